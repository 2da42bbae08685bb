// Forms, with error messages below the fields that they are about.

const LARGEST_IMAGE = 5 * 1024 * 1024;
export const find = (id) => document.getElementById(id);

// An error whose `fields` maps names of fields to messages.
export class Refusal extends Error {
  constructor(message, fields = {}) {
    super(message);
    this.fields = fields;
  }
}

const placeOf = (field) => find(`${field.id}-problem`);

export function complain(form, { message, fields = {} }) {
  const wrong = [...form.elements].filter((field) => fields[field.name] && placeOf(field));
  for (const field of wrong) {
    field.ariaInvalid = "true";
    placeOf(field).textContent = fields[field.name];
  }
  if (wrong.length) wrong[0].focus();
  else form.querySelector("[role=alert]").textContent = message;
}

function check(form) {
  for (const problem of form.querySelectorAll(".problem")) problem.textContent = "";
  for (const field of form.elements) field.removeAttribute("aria-invalid");
  const wrong = [...form.elements].filter((field) => !field.validity.valid);
  if (wrong.length)
    throw new Refusal("", Object.fromEntries(wrong.map((field) => [field.name, field.validationMessage])));
}

// Call `act` with the content of the form when the form is submitted. Meanwhile the form cannot be submitted again. Its
// button stays enabled, because a disabled button loses the focus. If the form is then hidden, `instead` shows errors.
export function onSubmit(form, act, instead = form) {
  const button = form.querySelector(".primary");
  form.noValidate = true; // `check` shows the browser's messages
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.ariaDisabled === "true") return;
    button.ariaDisabled = "true";
    try {
      check(form);
      await act(new FormData(form));
    } catch (error) {
      complain(form.hidden ? instead : form, error);
      if (form.hidden) instead.elements[0].focus();
    }
    button.ariaDisabled = "false";
  });
}

// Show the chosen picture, and the field for its description. If `has` is true, the entry has a picture already.
export function onPicture(form, has = false) {
  const input = form.elements.image, image = form.querySelector(".preview");
  function show() {
    const [file] = input.files;
    input.setCustomValidity(file?.size > LARGEST_IMAGE ? "The picture is larger than 5 MB." : "");
    form.querySelector(".about").hidden = !file && !has;
    image.hidden = !file;
    if (image.src) URL.revokeObjectURL(image.src);
    if (file) image.src = URL.createObjectURL(file);
    else image.removeAttribute("src");
  }
  input.addEventListener("change", show);
  form.addEventListener("reset", () => setTimeout(show)); // after the fields have been reset
  show();
}

// Return a copy of the form in a template. Its ids, and what refers to them, get a prefix that makes them unique.
export function copy(template, prefix) {
  const form = find(template).content.firstElementChild.cloneNode(true);
  for (const name of ["id", "for", "aria-describedby"])
    for (const element of form.querySelectorAll(`[${name}]`))
      element.setAttribute(name, element.getAttribute(name).replace(/\S+/g, (id) => `${prefix}-${id}`));
  return form;
}
