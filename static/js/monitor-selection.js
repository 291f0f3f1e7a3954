// Selected rows: kept over pages, sorting and refreshes for as long as the filter stays the same and the same person
// is signed in. Only ids are kept, in this tab, and not beyond signing out.
import { drop, keep as store, read } from "./person-storage.js";

const NAME = "selection";
const monitor = document.getElementById("monitor");
const bar = document.querySelector("[data-action-bar]");
let filter = list().dataset.filter;
let selected = restore();
let last = null;

function list() {
  return document.getElementById("candidates");
}

function boxes() {
  return [...list().querySelectorAll('input[name="candidate"]')];
}

function restore() {
  const kept = read(NAME);
  if (kept?.filter === filter) return new Set(kept.ids);
  drop(NAME);
  return new Set();
}

function keep() {
  if (selected.size) store(NAME, { filter, ids: [...selected] });
  else drop(NAME);
}

function show() {
  const here = boxes();
  for (const box of here) box.checked = selected.has(box.value);
  const ticked = here.filter((box) => box.checked).length;
  const all = list().querySelector("[data-select-page]");
  all.checked = here.length > 0 && ticked === here.length;
  all.indeterminate = ticked > 0 && ticked < here.length;
  all.disabled = here.length === 0;
  showBar(selected.size - ticked);
}

function showBar(elsewhere) {
  bar.hidden = selected.size === 0;
  document.body.classList.toggle("has-action-bar", selected.size > 0);
  const count = selected.size === 1 ? bar.dataset.one : bar.dataset.many.replace("{count}", selected.size);
  const others = elsewhere ? bar.dataset.elsewhere.replace("{count}", elsewhere) : "";
  const [counted, outside] = [bar.querySelector("[data-selected-count]"), bar.querySelector("[data-selected-elsewhere]")];
  if (counted.textContent !== count) counted.textContent = count;
  if (outside.textContent !== others) outside.textContent = others;
}

function set(box, ticked) {
  if (ticked) selected.add(box.value);
  else selected.delete(box.value);
}

function setRange(from, to, ticked) {
  const here = boxes();
  const places = [from, to].map((value) => here.findIndex((box) => box.value === value));
  if (places.includes(-1)) return;
  for (const box of here.slice(Math.min(...places), Math.max(...places) + 1)) set(box, ticked);
}

function clear() {
  selected.clear();
  last = null;
  keep();
  show();
}

monitor.addEventListener("click", (event) => {
  const box = event.target;
  if (box.matches?.('input[name="candidate"]')) {
    set(box, box.checked);
    if (event.shiftKey && last) setRange(last, box.value, box.checked);
    last = box.value;
  } else if (box.matches?.("[data-select-page]")) {
    for (const one of boxes()) set(one, box.checked);
  } else if (box.matches?.("[data-clear-selection]")) {
    list().querySelector("[data-select-page]").focus();
    clear();
    return;
  } else return;
  keep();
  show();
});

// Shift on the label of a box would select text between the two presses.
monitor.addEventListener("mousedown", (event) => {
  if (event.shiftKey && event.target.closest?.(".pick")) event.preventDefault();
});

monitor.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.matches?.('input[name="candidate"]')) return;
  event.preventDefault();
  const here = boxes();
  const next = here[here.indexOf(event.target) + step];
  if (!next) return;
  next.focus();
  if (!event.shiftKey) return;
  set(next, event.target.checked);
  last = next.value;
  keep();
  show();
});

document.addEventListener("htmx:after:swap", () => {
  if (list().dataset.filter !== filter) {
    filter = list().dataset.filter;
    clear();
  }
  show();
});

// Sends the whole selection, not only what is on this page.
document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  if (sourceElement.id !== "selection") return;
  request.body.delete("candidate");
  for (const id of selected) request.body.append("candidate", id);
});

show();
bar.dataset.ready = "";
