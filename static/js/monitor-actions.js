// Actions on candidates: a row's menu gets its items when it opens, one press acts at once, and what was done stands for
// ten seconds in the quiet bar, with Undo.
import { ask } from "./monitor-view.js";
import { closePopover } from "./popovers.js";
import { post } from "./post.js";
import { showQuietly } from "./quiet-bar.js";

const SHOWN_FOR = 10;
const block = document.getElementById("row-actions");
const dialog = document.getElementById("compose");

document.addEventListener("beforetoggle", (event) => {
  const place = event.newState === "open" ? event.target.querySelector?.("[data-actions]") : null;
  if (!place) return;
  for (const part of block.querySelectorAll("[data-in-charge]")) part.hidden = !("inCharge" in place.dataset);
  for (const link of block.querySelectorAll("a")) {
    link.href = link.dataset.form + place.dataset.actions;
    link.setAttribute("hx-get", link.getAttribute("href"));
  }
  place.append(block);
  block.hidden = false;
}, true);

// A fragment of ours, escaped by the server; an outcome without the button that closes its dialog.
function show(html) {
  const shown = document.createElement("div");
  shown.innerHTML = html;
  shown.querySelector("[data-outcome] [data-dialog-close]")?.remove();
  showQuietly(shown, SHOWN_FOR);
}

function showAway() {
  const words = document.createElement("p");
  words.textContent = block.dataset.away;
  showQuietly(words, SHOWN_FOR);
}

async function send(address, fields = {}) {
  try {
    const answer = await post(address, fields);
    show(await answer.text());
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
  if (!button) return;
  const { press: action, attendance } = button.dataset;
  const candidate = button.closest("[data-actions]").dataset.actions;
  closePopover(button.closest("[popover]"));
  send(block.dataset.address, { action, candidate, idempotency_key: newKey(), ...(attendance && { attendance }) });
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-undo]")) return;
  event.preventDefault();
  if (dialog.open) dialog.close();
  send(event.target.getAttribute("action"));
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
