// The message center beside the text. The button in the header opens and closes it, and the page stays as it is (R11).
// Without JavaScript a link opens the message center in a new tab.
import { fetchFragment } from "./own-answers.js";
import { holdPlace, writingField } from "./writing-place.js";

const RETRY_AFTER = 3_000;
const panel = document.querySelector("[data-messages-panel]");
const place = panel.querySelector("[data-messages-place]");
const strip = document.querySelector("[data-notices-strip]");
const link = document.querySelector("[data-messages-link]");
const button = linkAsButton();
const inPage = () => document.querySelector("main #inbox");
let retry;

function linkAsButton() {
  const element = document.createElement("button");
  Object.assign(element, { type: "button", className: link.className });
  element.setAttribute("aria-expanded", "false");
  element.setAttribute("aria-controls", panel.id);
  element.append(...link.childNodes);
  link.replaceWith(element);
  return element;
}

function count() {
  const open = document.querySelectorAll("[data-notice]").length;
  for (const element of button.querySelectorAll("[data-messages-count]")) {
    element.hidden = open === 0;
    element.querySelector("[data-messages-number]").textContent = open;
  }
}

function show() {
  const hold = holdPlace(panel);
  panel.hidden = false;
  document.body.classList.add("has-messages");
  button.setAttribute("aria-expanded", "true");
  hold();
  load();
}

function hide() {
  clearTimeout(retry);
  const hadFocus = panel.contains(document.activeElement);
  const hold = holdPlace(strip); // the strip fills the room that the panel leaves above the line being written
  panel.hidden = true;
  document.body.classList.remove("has-messages");
  place.replaceChildren();
  hold();
  button.setAttribute("aria-expanded", "false");
  if (hadFocus) button.focus();
}

// Called once; afterwards static/js/inbox.js keeps it up to date with the notices.
async function load() {
  panel.setAttribute("aria-busy", "true");
  try {
    const answer = await fetchFragment(link.href);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!panel.hidden) place.replaceChildren(document.importNode(page.getElementById("inbox"), true));
    panel.removeAttribute("aria-busy");
  } catch {
    if (panel.hidden) return;
    place.textContent = panel.dataset.textFailed;
    retry = setTimeout(load, RETRY_AFTER);
  }
}

button.addEventListener("click", () => {
  const section = inPage();
  if (!section) {
    if (panel.hidden) show();
    else hide();
    return;
  }
  section.scrollIntoView();
  section.focus({ preventScroll: true });
});
panel.querySelector("[data-messages-close]").addEventListener("click", hide);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && !panel.hidden) hide();
});
// A click leaves the focus in the field where the person writes.
for (const element of [button, panel]) {
  element.addEventListener("mousedown", (event) => {
    if (event.target.closest("button") && writingField()) event.preventDefault();
  });
}
document.addEventListener("examhall:inbox-changed", count);
if (inPage()) button.removeAttribute("aria-expanded");
count();
