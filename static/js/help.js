// Asking for help beside the text: the panel posts without leaving the page, and shows what becomes of the request, by the
// same events and answers that tell of a pause. It takes the focus only from its own button, which has gone (R11).
import { post } from "./post.js";

const word = document.querySelector("[data-help-word]");
const panelsOf = (test) => document.querySelectorAll(`[data-help-panel="${test}"]`);

function draw(panel, state, at) {
  panel.dataset.state = state;
  for (const element of panel.querySelectorAll("[data-help-when]")) element.hidden = element.dataset.helpWhen !== state;
  panel.querySelector("[data-help-asked]").hidden = state === "none";
  if (at) panel.querySelector("[data-help-at]").textContent = at;
}

// What is done or taken back goes quietly; that somebody comes is said.
function show({ test, helpState, askedAt }) {
  for (const panel of panelsOf(test)) {
    const before = panel.dataset.state;
    if (before === helpState) continue;
    const hadFocus = panel.open && panel.querySelector(".help-drop").contains(document.activeElement);
    draw(panel, helpState, askedAt);
    if (hadFocus && !document.activeElement?.checkVisibility()) panel.querySelector("summary").focus();
    word.textContent = helpState === "none" ? "" : panel.dataset[helpState === "coming" ? "textComing" : "textAsked"];
  }
}

// The answer is the panel as it is now, after a refusal with what was typed.
function take(panel, text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-help-panel]");
  if (!fresh) return false;
  const { state } = fresh.dataset;
  const isSent = state !== "none" && !fresh.querySelector("[data-refused]");
  panel.querySelector(".help-drop").replaceWith(document.importNode(fresh.querySelector(".help-drop"), true));
  draw(panel, state, fresh.querySelector("[data-help-at]").textContent);
  const wrong = panel.querySelector("[aria-invalid], input[name=kind]");
  (panel.querySelector(".field-error") && wrong ? wrong : panel.querySelector("summary")).focus({ preventScroll: true });
  word.textContent = isSent ? panel.dataset.textAsked : "";
  if (!panel.querySelector("[data-refused]")) panel.open = false;
  return true;
}

async function send(form, panel) {
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  try {
    const answer = await post(form.action, Object.fromEntries(new FormData(form)));
    const text = await answer.text();
    if (take(panel, text)) return;
    panel.querySelector("[data-help-problem]").replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
  } catch {
    panel.querySelector("[data-help-problem]").textContent = panel.dataset.textFailed;
  }
  button.disabled = false;
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-help-form]");
  if (!form) return;
  event.preventDefault();
  send(form, form.closest("[data-help-panel]"));
});
document.addEventListener("examhall:sitting", ({ detail }) => show(detail));
