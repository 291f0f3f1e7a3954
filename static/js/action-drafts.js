// What is typed into the form of an action or an incident stays in this tab, for the same candidates, until it is carried
// out, put back as it was, or discarded.
import { drop, keep, read } from "./person-storage.js";

const FORM = "form[data-typed]";
const TEXTS = ["note", "reason", "subject", "body"];
const nameOf = (form) => `typed.${form.dataset.typed}`;
const texts = (form) => TEXTS.map((name) => form.elements[name]).filter(Boolean);

function prepare(form) {
  if (form.dataset.prepared) return;
  form.dataset.prepared = "yes";
  const typed = read(nameOf(form));
  if (!typed) return;
  for (const field of texts(form)) field.value = typed[field.name] ?? field.value;
  form.querySelector("[data-typed-before]").hidden = texts(form).every((field) => field.value === field.defaultValue);
}

document.addEventListener("input", ({ target }) => {
  const form = target.closest?.(FORM);
  if (!form) return;
  const fields = texts(form);
  const isRefused = form.querySelector('[role="alert"]'); // then it comes with what was typed
  if (!isRefused && fields.every((field) => field.value === field.defaultValue)) drop(nameOf(form));
  else keep(nameOf(form), Object.fromEntries(fields.map((field) => [field.name, field.value])));
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-typed-drop]");
  if (!button) return;
  const { form } = button;
  for (const field of texts(form)) field.value = field.defaultValue;
  drop(nameOf(form));
  button.parentElement.hidden = true;
  texts(form)[0].focus();
});

document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (ctx.response.status === 201 && ctx.sourceElement.matches(FORM)) drop(nameOf(ctx.sourceElement));
});

document.addEventListener("htmx:after:swap", () => {
  const form = document.querySelector(FORM);
  if (form) prepare(form);
});
