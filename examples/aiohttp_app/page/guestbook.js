// Text from visitors is only ever set as textContent, never as markup.
const LARGEST_IMAGE = 5 * 1024 * 1024;
const find = (id) => document.getElementById(id);
const signIn = find("sign-in"), write = find("write"), entries = find("entries");
let pages = 1; // number of pages shown

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, { method, body });
  } catch {
    throw new Error("The guestbook cannot be reached at the moment. Please try again.");
  }
  const data = await response.json().catch(() => ({}));
  if (response.ok) return data;
  if (response.status === 401) showVisitor(null);
  throw new Error(data.message ?? `The request failed (${response.status} ${response.statusText}).`);
}

// Entries

function article(entry) {
  const item = find("entry").content.firstElementChild.cloneNode(true);
  item.dataset.id = entry.id;
  item.dataset.entry = JSON.stringify(entry);
  item.querySelector("h3").textContent = entry.name || "Somebody";
  item.querySelector("p").textContent = entry.message;
  const created = new Date(entry.created.replace(" ", "T")), time = item.querySelector("time");
  time.dateTime = created.toISOString();
  time.textContent = created.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  if (entry.image) {
    const image = new Image();
    image.src = entry.image;
    image.alt = `A picture from ${entry.name || "somebody"}`;
    image.loading = "lazy";
    item.firstElementChild.append(image);
  }
  return item;
}

const shown = (id) => entries.querySelector(`[data-id="${CSS.escape(id)}"]`);

function put(entry) {
  const old = shown(entry.id);
  if (old) old.replaceWith(article(entry));
  else entries.prepend(article(entry));
  find("nothing").hidden = true;
  return !old;
}

function remove(entry) {
  shown(entry.id)?.remove();
  find("nothing").hidden = entries.childElementCount > 0;
}

// An event that arrives while the list is being read may be missing from the list, so the event is applied afterwards.
let reading = 0;
const waiting = [];

function happened(act, entry) {
  if (reading) waiting.push(() => act(entry));
  else act(entry);
}

// Several reloads may run at once, for example when one gap follows another: only the last one is applied.
let asked = 0;
async function reload() {
  const turn = ++asked, list = [];
  let more = true;
  for (let page = 1; page <= pages && more; page++) {
    const data = await call("GET", `/entries/${page}`);
    list.push(...data.entries);
    more = data.more;
  }
  if (turn !== asked) return;
  const found = new Map(list.map((entry) => [entry.id, entry]));
  for (const item of [...entries.children])
    if (item.dataset.entry !== JSON.stringify(found.get(item.dataset.id))) item.remove();
  [...found.values()].forEach((entry, index) => {
    const item = shown(entry.id) ?? article(entry);
    if (entries.children[index] !== item) entries.insertBefore(item, entries.children[index] ?? null);
  });
  find("older").hidden = !more;
  find("nothing").hidden = list.length > 0;
}

async function refresh() {
  reading++;
  entries.ariaBusy = "true";
  try {
    await reload();
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

find("older").addEventListener("click", () => {
  pages++;
  refresh();
});

// Events. The list is read whenever a connection opens, so it contains what happened between two connections.

let events;

function connect() {
  events = new EventSource("/events");
  const listen = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
  events.onopen = refresh;
  events.onerror = () => {
    showConnection(false);
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  };
  listen("reload", refresh);
  listen("create", (entry) => happened(announce, entry));
  listen("update", (entry) => happened((changed) => shown(changed.id) && put(changed), entry));
  listen("delete", (entry) => happened(remove, entry));
}

function announce(entry) {
  if (put(entry)) find("news").textContent = `${entry.name} has written.`;
}

function showConnection(live, text = "Reconnecting…") {
  find("connection").textContent = live ? "Live" : text;
  find("connection").classList.toggle("live", live);
}

// The visitor

function showVisitor(name) {
  find("visitor").textContent = name ?? "";
  signIn.hidden = name !== null;
  write.hidden = name === null;
}

// A form cannot be sent again while it is being sent. Errors are shown below its button.
function onSubmit(form, act) {
  const button = form.querySelector("button.primary"), problem = form.querySelector(".problem");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.textContent = "";
    try {
      await act(new FormData(form));
    } catch (error) {
      (form.hidden ? signIn.querySelector(".problem") : problem).textContent = error.message;
    }
    button.disabled = false;
  });
}

onSubmit(signIn, async (form) => {
  showVisitor((await call("POST", "/session", form)).name);
  signIn.reset();
  find("message").focus();
});

onSubmit(write, async (form) => {
  if (!form.get("image").size) form.delete("image");
  else if (form.get("image").size > LARGEST_IMAGE) throw new Error("The picture is larger than 5 MB.");
  happened(put, await call("POST", "/entries", form));
  write.reset();
  preview();
});

find("sign-out").addEventListener("click", async () => {
  const problem = write.querySelector(".problem");
  try {
    showVisitor((await call("DELETE", "/session")).name);
    problem.textContent = "";
    find("name").focus();
  } catch (error) {
    problem.textContent = error.message;
  }
});

function preview() {
  const image = find("preview"), [file] = find("image").files;
  if (image.src) URL.revokeObjectURL(image.src);
  image.hidden = !file;
  if (file) image.src = URL.createObjectURL(file);
  else image.removeAttribute("src");
}
find("image").addEventListener("change", preview);

async function recognise() {
  try {
    showVisitor((await call("GET", "/session")).name);
  } catch {
    setTimeout(recognise, 3000);
  }
}

connect();
recognise();
