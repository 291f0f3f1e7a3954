// What an action on candidates has done stands for ten seconds in the quiet bar, with Undo.
import { ask } from "./monitor-view.js";
import { post } from "./post.js";
import { showQuietly } from "./quiet-bar.js";

const SHOWN_FOR = 10;
const dialog = document.getElementById("compose");

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
  words.textContent = document.querySelector("[data-quiet-bar]").dataset.away;
  showQuietly(words, SHOWN_FOR);
}

// Posts, and tells what was done, or that it is not certain; beside what was there, if that was pressed.
export async function send(address, fields = {}, pressed = null) {
  try {
    const answer = await post(address, fields);
    show(await answer.text(), pressed);
  } catch {
    showAway();
  }
  ask({ anew: true });
}

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
