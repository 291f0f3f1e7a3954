// A draft belongs to its audience (R23): what was typed for some comes back for them alone. For others it is offered.
// It is kept in this tab until it is sent, emptied or dropped.
import { drop, keep, names, read } from "./person-storage.js";

const PREFIX = "draft.";
const senders = new WeakMap(); // htmx forgets the form that an answer has replaced
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

function isSame(one, other) {
  return one?.subject === other?.subject && one?.body === other?.body;
}

function write(form, text) {
  for (const field of fields(form)) field.value = text[field.name];
  form.elements.subject.dispatchEvent(new Event("input", { bubbles: true }));
  form.elements.body.dispatchEvent(new Event("input", { bubbles: true }));
}

// Of two drafts the one kept later has the higher number, whatever the computer's clock says.
function order() {
  last = Math.max(last, ...drafts().map((draft) => draft.order)) + 1;
  return last;
}

function drafts() {
  return names()
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => ({ name, ...read(name) }))
    .sort((one, other) => other.order - one.order);
}

function keepDraft(name, audience, text) {
  if (isBlank(text)) drop(name);
  else keep(name, { ...text, audience, order: order() });
}

const nameOf = (form) => PREFIX + form.dataset.draft;

function keepTyped(form) {
  keepDraft(nameOf(form), form.dataset.draftFor, textOf(form));
}

// A text that another one takes the place of is offered from now on, unless it is kept elsewhere anyway.
function setAside(form, text) {
  if (isBlank(text) || drafts().some((draft) => draft.name !== nameOf(form) && isSame(draft, text))) return;
  keepDraft(`${nameOf(form)}.${order()}`, form.dataset.draftFor, text);
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

// What the server sent along is newer than what is kept: it was typed there, or came along on purpose (R4).
function prepare(form, arrived) {
  if (form.dataset.drafted) return;
  form.dataset.drafted = "yes";
  const own = read(nameOf(form));
  const text = textOf(form);
  if (isBlank(text) && own) write(form, own);
  else if (!isBlank(text)) {
    if (own && !arrived && !isSame(own, text)) setAside(form, own);
    keepTyped(form);
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

// The answer to a form: what was typed while it was on its way is kept, under what the form is for by now.
function answered(sender, form) {
  drop(nameOf(sender));
  if (form) write(form, textOf(sender));
}

function isForm(element) {
  return element?.matches?.("[data-compose]");
}

// The answer to a form that another one has taken the place of: it must not take that one's place in turn.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  const form = document.querySelector("[data-compose]");
  if (!isForm(ctx.sourceElement)) return;
  if (ctx.sourceElement.isConnected || !form) {
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
  if (isAnswer) answered(sender, form);
  if (form) prepare(form, isAnswer);
});

const shown = document.querySelector("[data-compose]");
if (shown) prepare(shown, false);
