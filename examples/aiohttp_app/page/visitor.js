// The visitor: who is signed in, and the requests to the application.

import { find, onSubmit, Refusal } from "./forms.js";

export const visitor = { id: null, name: null }; // the ids of guests are null
const signIn = find("sign-in"), write = find("write");

export async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, { method, body });
  } catch {
    throw new Refusal("The guestbook cannot be reached at the moment. Please try again.");
  }
  const data = await response.json().catch(() => ({}));
  if (response.ok) return data;
  if (response.status === 401) show({ id: null, name: null });
  throw new Refusal(data.message ?? `The request failed (${response.status} ${response.statusText}).`, data.fields);
}

function show(data) {
  Object.assign(visitor, data);
  find("visitor").textContent = visitor.name ?? "";
  signIn.hidden = visitor.id !== null;
  write.hidden = visitor.id === null;
  document.dispatchEvent(new Event("visitor"));
}

// Ask the application, which knows whether the session is still valid.
export async function recognise() {
  try {
    show(await call("GET", "/session"));
  } catch {
    setTimeout(recognise, 3000);
  }
}

onSubmit(signIn, async (form) => {
  show(await call("POST", "/session", form));
  signIn.reset();
  find("message").focus();
});

find("sign-out").addEventListener("click", async () => {
  const problem = write.querySelector("[role=alert]");
  problem.textContent = "";
  try {
    show(await call("DELETE", "/session"));
    find("name").focus();
  } catch (error) {
    problem.textContent = error.message;
  }
});
