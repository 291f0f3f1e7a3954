// Highlights for a few seconds what a refresh has changed, except cells that follow the clock.
import { body, rowsIn } from "./monitor-rows.js";
import { isRefresh } from "./monitor-view.js";

const SHOWN_FOR = 4000;
let before = null;

// A state tells how many minutes it has lasted too, which is no news.
function textOf(cell) {
  return cell.dataset.value ?? cell.textContent.replace(/\s+/g, " ").trim();
}

function clockColumns() {
  return new Set([...document.querySelectorAll("th[data-follows-clock]")].map((head) => head.dataset.column));
}

function cellsOf(row, clock) {
  return [...row.querySelectorAll("[data-column]")].filter((cell) => !clock.has(cell.dataset.column));
}

function snapshot() {
  const clock = clockColumns();
  return new Map(rowsIn(body()).map((row) => [row.id, new Map(cellsOf(row, clock).map((cell) => [cell.dataset.column, textOf(cell)]))]));
}

function mark(element) {
  element.dataset.changed = "";
  setTimeout(() => delete element.dataset.changed, SHOWN_FOR);
}

document.addEventListener("htmx:before:swap", (event) => {
  before = isRefresh(event.detail.ctx) ? snapshot() : null;
});

document.addEventListener("htmx:after:swap", (event) => {
  if (!before || !isRefresh(event.detail.ctx)) return;
  const clock = clockColumns();
  for (const row of rowsIn(body())) {
    const old = before.get(row.id);
    if (!old) mark(row);
    else cellsOf(row, clock).filter((cell) => old.get(cell.dataset.column) !== textOf(cell)).forEach(mark);
  }
  before = null;
});
