// The menu that all rows share: it is for the row, or the candidate beside the list, whose button was pressed. One press in
// it, or beside the list, acts at once.
import { send } from "./monitor-actions.js";
import { placeBeside, buttonOf } from "./monitor-place.js";
import { closePopover } from "./popovers.js";

const menu = document.getElementById("row-menu");
const waits = menu.querySelector("[data-waits]");
const items = menu.querySelector("[data-items]");

function fillFor(button) {
  const row = button.closest("[data-candidacy]");
  menu.dataset.candidate = row?.dataset.candidacy ?? button.closest("[data-candidate]").dataset.candidate;
  const rights = (button.dataset.may ?? "send-manage").split("-");
  for (const part of menu.querySelectorAll("[data-may]")) part.hidden = !rights.includes(part.dataset.may);
  const state = button.dataset.state ?? row.querySelector("[data-column=state]")?.dataset.value; // unknown if not shown
  for (const item of menu.querySelectorAll("[data-fits]")) item.hidden = Boolean(state) && !item.dataset.fits.split(" ").includes(state);
  const stands = (button.dataset.stands ?? "").split(" ");
  const isNoted = (words) => words.split(" ").some((word) => stands.includes(word));
  for (const item of menu.querySelectorAll("[data-unless]")) item.hidden = isNoted(item.dataset.unless);
  for (const item of menu.querySelectorAll("[data-needs]")) item.hidden = !isNoted(item.dataset.needs);
  for (const link of menu.querySelectorAll("a")) {
    link.href = link.dataset.form + menu.dataset.candidate;
    link.setAttribute("hx-get", link.getAttribute("href"));
  }
  waits.hidden = true;
  items.hidden = false;
}

menu.addEventListener("beforetoggle", ({ newState }) => newState === "open" && fillFor(buttonOf(menu)));

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-press]");
  // what stands stays, and the second press of a double one means nothing
  if (!button || event.detail > 1 || button.getAttribute("aria-pressed") === "true") return;
  const { press: action, attendance } = button.dataset;
  const { address } = menu.dataset;
  const { candidate } = button.closest("[data-candidate]").dataset; // of the menu, or of who is beside the list
  closePopover(menu);
  send(address, { action, candidate, idempotency_key: newKey(), ...(attendance && { attendance }) });
});

// It was opened before this script was there, by a button that has the focus since. Asked of what is shown, because a browser
// may open popovers by buttons alone.
if (menu.getClientRects().length) {
  const button = buttonOf(menu);
  if (button) {
    fillFor(button);
    placeBeside(button, menu);
  } else closePopover(menu);
}
