// Reading the list, and the events that keep it up to date.

import { find } from "./forms.js";
import { announce, entries, fill, made, put, remove, shown, update } from "./list.js";
import { call } from "./visitor.js";

let pages = 1; // number of pages shown
let reading = 0;
const waiting = [];

// An event that arrives while the list is being read may be missing from the list, so it is applied afterwards.
export function happened(act, entry) {
  if (reading) waiting.push(() => act(entry));
  else act(entry);
}

// The list may be read several times at once, when one gap follows another: only the last list is applied.
let asked = 0;
async function read() {
  const turn = ++asked, list = [];
  let more = true;
  for (let page = 1; page <= pages && more; page++) {
    const data = await call("GET", `/entries/${page}`);
    list.push(...data.entries);
    more = data.more;
  }
  if (turn !== asked) return;
  const found = new Map(list.map((entry) => [entry.id, entry]));
  const known = [...found.values()].findIndex((entry) => shown(entry.id));
  if (known > 0) announce([...found.values()].slice(0, known));
  for (const item of [...entries.children]) if (!found.has(item.dataset.id)) remove(item.entry);
  [...found.values()].forEach((entry, index) => {
    const item = shown(entry.id) ?? made(entry);
    fill(item, entry);
    if (entries.children[index] !== item) entries.insertBefore(item, entries.children[index] ?? null);
  });
  find("older").hidden = !more;
  find("nothing").hidden = entries.childElementCount > 0;
}

async function refresh() {
  reading++;
  entries.ariaBusy = "true";
  try {
    await read();
    showConnection(events.readyState === EventSource.OPEN);
  } catch (error) {
    showConnection(false, error.message);
    setTimeout(refresh, 3000);
  }
  reading--;
  if (reading) return;
  for (const act of waiting.splice(0)) act();
  entries.ariaBusy = "false";
}

function showConnection(live, text = "Reconnecting…") {
  find("connection").textContent = live ? "Live" : text;
  find("connection").classList.toggle("live", live);
}

find("older").addEventListener("click", async () => {
  const last = entries.lastElementChild;
  pages++;
  await refresh();
  last?.nextElementSibling?.firstElementChild.focus();
});

// The list is read whenever a connection opens, so it contains what happened between two connections.
let events;
export function connect() {
  events = new EventSource("/events");
  const listen = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
  events.onopen = refresh;
  events.onerror = () => {
    showConnection(false);
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  };
  listen("reload", refresh);
  listen("create", (entry) => happened(put, entry));
  listen("update", (entry) => happened(update, entry));
  listen("delete", (entry) => happened(remove, entry));
}
