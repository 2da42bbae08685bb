// Editing and deleting one's own entries. The application refuses what is not one's own.

import { copy, find, onPicture, onSubmit } from "./forms.js";
import { beginning, entries, remove, say, update } from "./list.js";
import { happened } from "./live.js";
import { call, recognise } from "./visitor.js";

// If an entry is not found, the session may have been revoked.
async function change(method, entry, form) {
  try {
    return await call(method, `/entries/${entry.id}`, form);
  } catch (error) {
    recognise();
    throw error;
  }
}

function edit(item) {
  const { entry } = item, form = copy("edit", entry.id);
  form.elements.message.value = entry.message;
  form.elements.description.value = entry.description;
  form.querySelector(".remove").hidden = !entry.image;
  onPicture(form, Boolean(entry.image));
  function close() {
    form.remove();
    if (item.gone) remove(entry);
    else item.querySelector(".edit").focus();
  }
  onSubmit(form, async (data) => {
    happened(update, await change("PATCH", entry, data));
    close();
    say("Your entry is saved.");
  });
  form.querySelector(".cancel").addEventListener("click", close);
  item.firstElementChild.append(form);
  form.elements.message.focus();
}

const dialog = find("delete");
let chosen;

function ask(item) {
  chosen = item;
  find("delete-what").textContent = beginning(item.entry.message);
  dialog.querySelector("[role=alert]").textContent = "";
  dialog.showModal();
}

onSubmit(dialog.querySelector("form"), async () => {
  const { entry } = chosen, next = chosen.nextElementSibling ?? chosen.previousElementSibling;
  await change("DELETE", entry);
  dialog.close();
  happened(remove, entry);
  (next?.isConnected ? next.firstElementChild : find("nothing")).focus();
  say("Your entry is deleted.");
});
dialog.querySelector(".cancel").addEventListener("click", () => dialog.close());

entries.addEventListener("click", ({ target }) => {
  if (target.matches(".edit")) edit(target.closest("li"));
  if (target.matches(".delete")) ask(target.closest("li"));
});
