// The list of entries. Text from visitors is only ever set as text, never as markup.

import { complain, find } from "./forms.js";
import { visitor } from "./visitor.js";

export const entries = find("entries");
export const shown = (id) => entries.querySelector(`[data-id="${CSS.escape(id)}"]`);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export function beginning(text) {
  const letters = [...text];
  return letters.length > 60 ? `${letters.slice(0, 60).join("")}…` : text;
}

// Show the entry in its item. The item stays, so that the focus and an open form stay too.
export function fill(item, entry) {
  if (same(item.entry, entry)) return;
  item.entry = entry;
  item.dataset.id = entry.id;
  const author = entry.name || "Somebody", heading = item.querySelector("h3"), time = item.querySelector("time");
  heading.textContent = author;
  heading.id = `author-${entry.id}`;
  item.firstElementChild.setAttribute("aria-labelledby", heading.id);
  item.querySelector(".message").textContent = entry.message;
  const created = new Date(entry.created.replace(" ", "T"));
  time.dateTime = created.toISOString();
  time.textContent = created.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  item.querySelector(".edited").hidden = !entry.edited;
  const image = item.querySelector(".image") ?? Object.assign(new Image(), { className: "image", loading: "lazy" });
  if (entry.image && image.getAttribute("src") !== entry.image) image.src = entry.image;
  image.alt = entry.description || `A picture from ${author}`;
  if (entry.image) item.querySelector(".message").after(image);
  else image.remove();
  for (const button of item.querySelectorAll(".tools button"))
    button.ariaLabel = `${button.textContent} “${beginning(entry.message)}”`;
  showTools(item);
}

function showTools(item) {
  item.querySelector(".tools").hidden = visitor.id === null || item.entry.author !== visitor.id;
}
document.addEventListener("visitor", () => [...entries.children].forEach(showTools));

export function made(entry) {
  const item = find("entry").content.firstElementChild.cloneNode(true);
  fill(item, entry);
  return item;
}

export function put(entry) {
  if (!update(entry)) {
    entries.prepend(made(entry));
    find("nothing").hidden = true;
    announce([entry]);
  }
}

export function update(entry) {
  const item = shown(entry.id);
  if (item) fill(item, entry);
  return item !== null;
}

export function remove({ id }) {
  const item = shown(id), form = item?.querySelector("form");
  if (item) item.gone = true;
  if (form) complain(form, { message: "This entry has been deleted." }); // what has been typed stays
  else item?.remove();
  find("nothing").hidden = entries.childElementCount > 0;
}

// Announcements to screen readers. What arrives within a second is announced together.

export const say = (text) => (find("news").textContent = text);
let fresh = [];

export function announce(added) {
  if (!fresh.length) setTimeout(sayFresh, 1000);
  fresh.push(...added.filter((entry) => entry.author !== visitor.id));
}

function sayFresh() {
  const [first] = fresh;
  if (fresh.length === 1) say(`New entry from ${first.name}: ${beginning(first.message)}`);
  if (fresh.length > 1) say(`${fresh.length} new entries`);
  fresh = [];
}
