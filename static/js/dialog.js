// A <dialog data-dialog> opens when HTMX has put something into it, and closes by its buttons or Escape. The same
// buttons on a page of its own lead to the address that they name. A button that comes again keeps the focus, by its id.
// Staff pages only: candidates' pages open no modal dialogs.
const pressed = new WeakMap(); // the ids of buttons, which htmx forgets when a response has replaced them

document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => pressed.set(ctx, ctx.sourceElement.id));

function openFilled(dialog, id) {
  if (!dialog.open) dialog.showModal();
  const again = id && dialog.querySelector(`#${id}`);
  const start = dialog.querySelector('[role="alert"]') ? dialog.querySelector("[data-dialog-title]") : again || dialog.querySelector("[data-dialog-first]");
  (start ?? dialog.querySelector("[data-dialog-title]"))?.focus();
}

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  const { target } = ctx ?? {};
  if (target instanceof HTMLDialogElement && target.matches("[data-dialog]") && target.childElementCount) openFilled(target, pressed.get(ctx));
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
