// A draft belongs to its audience (R23): the form for the same audience restores it, forms for others offer it. It is
// stored in this tab until it is sent, emptied or discarded.
import { drop, keep, names, read } from "./person-storage.js";

const PREFIX = "draft.";
const senders = new WeakMap(); // htmx forgets the form that a response has replaced
const switches = new WeakSet();
let last = 0;

function fields(form) {
  return [form.elements.subject, form.elements.body];
}

function textOf(form) {
  return { subject: form.elements.subject.value, body: form.elements.body.value };
}

function isBlank(text) {
  return !text.subject && !text.body;
}

function isSame(first, second) {
  return first?.subject === second?.subject && first?.body === second?.body;
}

function write(form, text) {
  for (const field of fields(form)) field.value = text[field.name];
  form.elements.subject.dispatchEvent(new Event("input", { bubbles: true }));
  form.elements.body.dispatchEvent(new Event("input", { bubbles: true }));
}

// A later draft has a higher number, whatever the computer's clock says.
function order() {
  last = Math.max(last, ...drafts().map((draft) => draft.order)) + 1;
  return last;
}

function drafts() {
  return names()
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => ({ name, ...read(name) }))
    .sort((first, second) => second.order - first.order);
}

function keepDraft(name, audience, text) {
  if (isBlank(text)) drop(name);
  else keep(name, { ...text, audience, order: order() });
}

const nameOf = (form) => PREFIX + form.dataset.draft;

function keepTyped(form) {
  keepDraft(nameOf(form), form.dataset.draftFor, textOf(form));
}

// Stores a text that is about to be replaced, so that it is offered, unless another draft is the same.
function setAside(form, text) {
  if (isBlank(text) || drafts().some((draft) => draft.name !== nameOf(form) && isSame(draft, text))) return;
  keepDraft(`${nameOf(form)}.${order()}`, form.dataset.draftFor, text);
}

// Puts another text into the form; one that was typed becomes a draft that is offered.
export function replaceText(form, text, wasTyped) {
  if (wasTyped) setAside(form, textOf(form));
  write(form, text);
  offer(form);
}

function offer(form) {
  const list = form.querySelector("[data-draft-offers]");
  const line = form.querySelector("[data-draft-offer]").content;
  const others = drafts().filter((draft) => draft.name !== nameOf(form));
  list.replaceChildren(
    ...others.map((draft, place) => {
      const item = line.firstElementChild.cloneNode(true);
      item.dataset.draftName = draft.name;
      item.querySelector("[data-draft-audience]").textContent = draft.audience;
      item.querySelector("[data-draft-text]").textContent = draft.subject || draft.body;
      item.querySelector("p").id = `draft-offer-${place}`;
      for (const button of item.querySelectorAll("button")) button.setAttribute("aria-describedby", `draft-offer-${place}`);
      return item;
    }),
  );
  list.hidden = others.length === 0;
}

// A text from the server is newer than the stored draft: it was typed in the form before, or came along (R4).
function prepare(form, arrived) {
  if (form.dataset.drafted) return;
  form.dataset.drafted = "yes";
  const own = read(nameOf(form));
  const text = textOf(form);
  if (isBlank(text) && own) write(form, own);
  else if (!isBlank(text)) {
    if (own && !arrived && !isSame(own, text)) setAside(form, own);
    if (!("given" in form.dataset)) keepTyped(form); // the text of a message that is to be corrected is nobody's draft
  }
  offer(form);
}

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (isForm(form) && fields(form).includes(event.target)) keepTyped(form);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-draft-use], [data-draft-drop]");
  if (!button) return;
  const form = button.form;
  const name = button.closest("[data-draft-name]").dataset.draftName;
  const draft = read(name);
  drop(name);
  if (draft && button.matches("[data-draft-use]")) {
    setAside(form, textOf(form));
    write(form, draft);
  }
  offer(form);
  const next = button.matches("[data-draft-drop]") ? form.querySelector("[data-draft-drop]") : null;
  (next ?? form.elements.subject).focus();
});

// After a response: text that was typed meanwhile is stored for the form's present audience.
function answered(sender, form) {
  drop(nameOf(sender));
  if (form) write(form, textOf(sender));
}

// Between everyone in a list and a part of them a person takes the text along. What waited there is offered.
function switched(sender, form) {
  const text = textOf(sender);
  drop(nameOf(sender));
  if (isBlank(text)) return;
  const own = read(nameOf(form));
  if (own && !isSame(own, text)) setAside(form, own);
  write(form, text);
}

function isForm(element) {
  return element?.matches?.("[data-compose]");
}

function isSwitch(element) {
  return element?.matches?.("[data-audience-switch]");
}

// The response to a form that another form has replaced must not replace that one in turn.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  const form = document.querySelector("[data-compose]");
  if (isSwitch(ctx.sourceElement)) {
    if (ctx.sourceElement.form !== form || ctx.target.open === false) event.preventDefault();
    else {
      senders.set(ctx, form);
      switches.add(ctx);
    }
    return;
  }
  if (!isForm(ctx.sourceElement)) return;
  if (ctx.sourceElement.isConnected || !form || ctx.target.open === false) {
    senders.set(ctx, ctx.sourceElement);
    return;
  }
  event.preventDefault();
  const success = tasks[0]?.fragment.querySelector("[data-sent] .success");
  if (success) {
    drop(nameOf(ctx.sourceElement));
    form.querySelector("#compose-problem").append(success);
  }
  offer(form);
});

document.addEventListener("htmx:after:swap", (event) => {
  const sender = senders.get(event.detail.ctx);
  const form = document.querySelector("[data-compose]");
  const isAnswer = sender !== undefined && sender !== form;
  if (isAnswer) (switches.has(event.detail.ctx) ? switched : answered)(sender, form);
  if (form) prepare(form, isAnswer);
});

const shown = document.querySelector("[data-compose]");
if (shown) prepare(shown, false);
