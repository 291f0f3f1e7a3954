// Actions on candidates: the menu is for the row, or the candidate beside the list, whose button was pressed, one press
// acts at once, and what was done stands for ten seconds in the quiet bar, with Undo.
import { ask } from "./monitor-view.js";
import { closePopover } from "./popovers.js";
import { buttonOf } from "./monitor-place.js";
import { post } from "./post.js";
import { showQuietly } from "./quiet-bar.js";

const SHOWN_FOR = 10;
const menu = document.getElementById("row-menu");
const dialog = document.getElementById("compose");

menu.addEventListener("beforetoggle", ({ newState }) => {
  if (newState !== "open") return;
  const button = buttonOf(menu);
  const row = button.closest("[data-candidacy]");
  menu.dataset.candidate = row?.dataset.candidacy ?? button.closest("[data-candidate]").dataset.candidate;
  for (const part of menu.querySelectorAll("[data-may-send], [data-in-charge]")) {
    part.hidden = !Object.keys(part.dataset).some((right) => right !== "form" && right in button.dataset);
  }
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
});

// A fragment of ours, escaped by the server; an outcome without the button and the title of its dialog.
function show(html, pressed = null) {
  const shown = document.createElement("div");
  shown.innerHTML = html;
  shown.querySelector("[data-outcome] [data-dialog-close]")?.remove();
  shown.querySelector("#compose-title")?.removeAttribute("id");
  showQuietly(shown, SHOWN_FOR, pressed);
}

function showAway() {
  const words = document.createElement("p");
  words.textContent = menu.dataset.away;
  showQuietly(words, SHOWN_FOR);
}

async function send(address, fields = {}, pressed = null) {
  try {
    const answer = await post(address, fields);
    show(await answer.text(), pressed);
  } catch {
    showAway();
  }
  ask({ anew: true });
}

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

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-undo]")) return;
  event.preventDefault();
  if (dialog.open) dialog.close();
  send(event.target.getAttribute("action"), {}, event.target);
});

// What a form has done: in the bar if everybody was reached, else in the dialog, to be read.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const outcome = ctx.target === dialog && dialog.querySelector("[data-outcome]");
  if (!outcome) return;
  if ("quiet" in outcome.dataset) {
    dialog.close();
    show(outcome.outerHTML);
    dialog.replaceChildren();
  }
  ask({ anew: true });
});
