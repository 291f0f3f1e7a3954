// The selection: rows by their ids, or everybody who matches the filter when it is used. It stays over pages, sorting and
// refreshes while the filter is the same. Another filter clears it, and that can be undone.
import { drop, keep, read } from "./person-storage.js";
import { showSelection } from "./monitor-selection-bar.js";

const NAME = "selection";
const CLEARED = "cleared-selection";
const monitor = document.getElementById("monitor");
let filter = list().dataset.filter;
let address = list().dataset.address;
let ids = new Set();
let everybody = false;
let narrowed = false; // from everybody of the filter to rows of this page
let cleared = read(CLEARED);
let undoing = false;
let last = null;

function list() {
  return document.getElementById("candidates");
}

function boxes() {
  return [...list().querySelectorAll('input[name="candidate"]')];
}

function total() {
  return Number(document.getElementById("candidate-count").dataset.count);
}

// More match than the server has counted.
function isCapped() {
  return "capped" in document.getElementById("candidate-count").dataset;
}

function show() {
  const here = boxes();
  for (const box of here) box.checked = everybody || ids.has(box.value);
  const ticked = here.filter((box) => box.checked).length;
  const all = list().querySelector("[data-select-page]");
  all.checked = here.length > 0 && ticked === here.length;
  all.indeterminate = ticked > 0 && ticked < here.length;
  all.disabled = here.length === 0;
  const count = everybody ? total() : ids.size;
  showSelection({ count, everybody, narrowed, filter, cleared, total: total(), capped: isCapped(), here: here.length, ticked });
}

function changed() {
  const some = everybody || ids.size > 0;
  if (some) keep(NAME, { filter, address, everybody, ids: [...ids] });
  else drop(NAME);
  if (some && cleared) setCleared(null);
  show();
}

function select(wanted) {
  everybody = wanted.everybody;
  ids = new Set(wanted.ids);
  narrowed = false;
  last = null;
  changed();
}

function clear() {
  select({ everybody: false, ids: [] });
}

function setCleared(selection) {
  cleared = selection;
  if (selection) keep(CLEARED, selection);
  else drop(CLEARED);
}

// Unticking one of everybody leaves the rows of this page, because only their ids are known.
function set(box, ticked) {
  if (everybody) {
    everybody = false;
    ids = new Set(boxes().map((other) => other.value));
    narrowed = total() > ids.size;
  }
  if (ticked) ids.add(box.value);
  else ids.delete(box.value);
}

function setRange(from, to, ticked) {
  const here = boxes();
  const places = [from, to].map((value) => here.findIndex((box) => box.value === value));
  if (places.includes(-1)) return;
  for (const box of here.slice(Math.min(...places), Math.max(...places) + 1)) set(box, ticked);
}

function press(box, withRange) {
  narrowed = false;
  set(box, box.checked);
  if (withRange && last) setRange(last, box.value, box.checked);
  last = box.value;
  changed();
}

function pressPage(all) {
  if (everybody) clear();
  else {
    narrowed = false;
    for (const box of boxes()) set(box, all.checked);
    changed();
  }
}

monitor.addEventListener("click", (event) => {
  const target = event.target;
  const toList = () => list().querySelector("[data-select-page]").focus();
  if (target.matches?.('input[name="candidate"]')) press(target, event.shiftKey);
  else if (target.matches?.("[data-select-page]")) pressPage(target);
  else if (target.closest?.("[data-select-all]")) {
    select({ everybody: true, ids: [] });
    document.querySelector("[data-action-bar] [form=selection]").focus();
  } else if (target.closest?.("[data-clear-selection]")) {
    toList();
    clear();
  } else if (target.closest?.("[data-keep-cleared]")) {
    toList();
    setCleared(null);
    show();
  } else if (target.closest?.("[data-undo-clearing]")) {
    toList();
    if (cleared.filter === filter) select(cleared);
    else undoing = true; // the link asks for the list with the filter as it was, which brings the selection along
  }
});

// Shift on the label of a box would select text between the two presses.
monitor.addEventListener("mousedown", (event) => {
  if (event.shiftKey && event.target.closest?.(".pick")) event.preventDefault();
});

// Another filter clears the selection. Going back to the last filter can bring it back.
function follow() {
  const selection = read(NAME);
  filter = list().dataset.filter;
  if (undoing && cleared?.filter === filter) select(cleared);
  else if (selection?.filter === filter) select(selection);
  else if (selection) {
    setCleared(selection);
    clear();
  }
  undoing = false;
  show();
}

document.addEventListener("htmx:after:swap", () => {
  address = list().dataset.address;
  if (list().dataset.filter === filter) show();
  else follow();
});

// Sends the whole selection, not only what is on this page.
document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  if (sourceElement.id !== "selection" && sourceElement.getAttribute("form") !== "selection") return;
  request.body.delete("candidate");
  if (!everybody) for (const id of ids) request.body.append("candidate", id);
  else for (const [name, value] of [["scope", "filtered"], ...new URLSearchParams(filter)]) request.body.append(name, value);
});

// Ticked before this script was there.
const early = list().querySelector("[data-select-page]").checked ? boxes() : boxes().filter((box) => box.checked);
follow();
if (early.length) {
  for (const box of early) set(box, true);
  last = early.at(-1).value;
  changed();
}
