// One candidate beside the list, opened by the name in a row or a press on the row (monitor-first-use.js). The address names the row (#c7), so
// "Back" closes the drawer, and a reload or a link opens it. It is asked for anew whenever the list is.
import { ownFetch } from "./own-answers.js";
import { timeLimit } from "./browser-parts.js";
import { openPopover } from "./popovers.js";
import { PATH, shown } from "./monitor-view.js";

const PATIENCE = 15_000;
const KEPT = ["aria-current"]; // set here, unknown to the server
const OVER = "[popover], [data-quiet-bar], [data-quiet]"; // stays in reach over a drawer that covers the page
const monitor = document.getElementById("monitor");
const drawer = document.getElementById("drawer");
const content = drawer.querySelector("[data-drawer-content]");
const away = drawer.querySelector("[data-drawer-away]");
export const behind = matchMedia("(max-width: 64rem)"); // the drawer covers the page
let id = null;
let opener = null; // what had the focus when the drawer was to take it

const idIn = (hash) => /^#c(\d+)$/.exec(hash)?.[1] ?? null;
const rowOf = (candidate) => document.getElementById(`c${candidate}`);

const listAddress = () => (shown() ? `${PATH}?${shown()}` : PATH);

function mark() {
  for (const row of monitor.querySelectorAll("[data-candidacy][aria-current]")) if (row !== rowOf(id)) row.removeAttribute("aria-current");
  rowOf(id)?.setAttribute("aria-current", "true");
}

function show(candidate) {
  const isOther = candidate !== id;
  id = candidate;
  drawer.hidden = id === null;
  monitor.classList.toggle("has-drawer", id !== null);
  for (const part of monitor.children) part.inert = id !== null && behind.matches && !part.contains(drawer) && !part.matches(OVER);
  document.getElementById("candidates").inert = id !== null && behind.matches;
  mark();
  if (!isOther) return;
  content.replaceChildren();
  away.textContent = "";
  if (id === null) return;
  drawer.querySelector("[data-drawer-page]").href = drawer.dataset.address + id;
  load();
}

async function answerFor(candidate) {
  const current = content.querySelector("[data-candidate]");
  const headers = { "HX-Request": "true" };
  if (current?.dataset.candidate === candidate) headers["HX-PTag"] = current.dataset.tag;
  const response = await ownFetch(drawer.dataset.address + candidate, { headers, cache: "no-store", signal: timeLimit(PATIENCE) });
  return { status: response.status, text: await response.text() };
}

async function load() {
  const candidate = id;
  const answer = await answerFor(candidate).catch(() => ({ status: 503 }));
  if (candidate !== id) return;
  away.textContent = answer.status >= 500 ? away.dataset.words : "";
  if (answer.status >= 500 || answer.status === 304) return;
  await htmx.swap({ text: answer.text, target: content, sourceElement: content, swap: "innerMorph", request: {}, response: answer });
  // unless it has gone on meanwhile
  if (opener && [opener, document.body].includes(document.activeElement)) document.getElementById("candidate-title")?.focus();
  opener = null;
}

// Opens the drawer, or shows another candidate in it. With `focus` the focus goes there.
export function open(candidate, { focus = false } = {}) {
  opener = focus ? document.activeElement : null;
  // an entry that a closed drawer has left is used again
  if (id !== null || history.state?.drawer) history.replaceState(history.state, "", `#c${candidate}`);
  else {
    history.replaceState(history.state, "", listAddress()); // so that both differ in what follows "#" only
    history.scrollRestoration = "manual"; // "Back" leaves the list where it is by then
    history.pushState({ htmx: true, drawer: true }, "", `#c${candidate}`);
  }
  if (candidate === id && focus) document.getElementById("candidate-title")?.focus();
  show(candidate);
}

export function close() {
  const back = rowOf(id)?.querySelector("[data-open]") ?? document.getElementById("rows");
  history.replaceState(history.state, "", listAddress()); // going back would take the focus away
  show(null);
  back.focus();
}

addEventListener("popstate", () => {
  show(idIn(location.hash));
  if (id === null) history.scrollRestoration = "auto";
});

// Only what follows "#" has changed: the list need not be loaded again.
document.addEventListener("htmx:before:history:restore", (event) => {
  if (location.search.slice(1) === shown()) event.preventDefault();
});

// An address without the row, of a list that was filtered or refreshed meanwhile.
document.addEventListener("monitor:answered", () => {
  if (id === null) return;
  if (idIn(location.hash) !== id) history.replaceState(history.state, "", `#c${id}`);
  load();
});

document.addEventListener("htmx:after:swap", () => show(id)); // rows that have come, and what a refresh has replaced

// What this page alone knows stays in the rows.
htmx.registerExtension("drawer", {
  htmx_before_morph_attr: (element, { attrName }) => !(KEPT.includes(attrName) && element.matches("[data-candidacy]")),
});

drawer.querySelector("[data-drawer-close]").addEventListener("click", close);

// A menu or a dialog takes Escape first, and so does a search that has a text.
document.addEventListener("keydown", (event) => {
  const others = 'dialog[open], details[data-menu][open]';
  if (event.key !== "Escape" || id === null || document.querySelector(others) || openPopover(document)) return;
  if (event.target.matches?.('input[type="search"]') && event.target.value) return;
  close();
}, { capture: true });

behind.addEventListener("change", () => show(id));
show(idIn(location.hash));
