// A <dialog data-dialog> opens when HTMX has put something into it, and closes by its buttons or Escape. The same
// buttons on a page of its own lead to the address that they name. A button that comes again keeps the focus, by its id.
// Staff pages only: candidates' pages open no modal dialogs.
const pressed = new WeakMap(); // the ids of buttons, which htmx forgets when a response has replaced them
const openBefore = new WeakMap(); // whether the dialog was open when a response began to come in

// The answer to a form that another has replaced leaves that one alone: it comes in when the dialog is closed. What was only
// to open comes no more.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  const source = ctx.sourceElement;
  pressed.set(ctx, source.id);
  const target = typeof ctx.target === "string" ? document.querySelector(ctx.target) : ctx.target;
  openBefore.set(ctx, target?.open === true);
  if (event.defaultPrevented || source.isConnected) return;
  const dialog = target?.closest("dialog[open]");
  if (!dialog) return;
  event.preventDefault();
  if (target === dialog && source.matches("form")) dialog.addEventListener("close", () => htmx.swap(ctx), { once: true });
});

function openFilled(dialog, id) {
  if (!dialog.open) dialog.showModal();
  const again = id && dialog.querySelector(`#${id}`);
  const start = dialog.querySelector('[role="alert"]') ? dialog.querySelector("[data-dialog-title]") : again || dialog.querySelector("[data-dialog-first]");
  (start ?? dialog.querySelector("[data-dialog-title]"))?.focus();
}

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  const { target } = ctx ?? {};
  if (!(target instanceof HTMLDialogElement && target.matches("[data-dialog]") && target.childElementCount)) return;
  if (openBefore.get(ctx) && !target.open) return; // closed while the response came in
  openFilled(target, pressed.get(ctx));
});

// In the form, also where its dialog was closed meanwhile: nobody else says that nothing was done.
function showUnreachable(ctx) {
  const form = ctx?.sourceElement?.closest?.("form");
  const place = form?.querySelector("[data-unreachable]");
  if (!place) return;
  const words = document.createElement("p");
  words.textContent = place.dataset.unreachable;
  const box = document.createElement("div");
  box.className = "problem";
  box.setAttribute("role", "alert");
  box.append(words);
  place.replaceChildren(box);
  const dialog = form.closest("dialog");
  if (dialog && !dialog.open) dialog.showModal();
}

document.addEventListener("htmx:error", ({ detail: { ctx } }) => showUnreachable(ctx));

document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  if ([502, 503, 504].includes(ctx.response?.status)) showUnreachable(ctx);
});

// What is shown once only does not stay in the page. Browsers send "close" a moment later, so a button does not wait for it.
function forgetShownOnce(dialog) {
  if (dialog.querySelector("[data-once]")) dialog.replaceChildren();
}

document.addEventListener("close", (event) => {
  if (event.target instanceof HTMLDialogElement) forgetShownOnce(event.target);
}, { capture: true });

document.addEventListener("click", (event) => {
  const closer = event.target.closest?.("[data-dialog-close]");
  if (!closer) return;
  const dialog = closer.closest("dialog");
  if (dialog) {
    dialog.close();
    forgetShownOnce(dialog);
  } else location.assign(closer.dataset.dialogClose);
});
