// Rows do not jump under the pointer or the focus (R19). While either is in the rows, a refresh changes cells in place.
// Rows that come, go or move wait until both have left, or until "Show" is pressed, and so does the line of an incident, which
// stands above them.
import { openPopover } from "./popovers.js";
import { body } from "./monitor-rows.js";
import { ask, isRefresh } from "./monitor-view.js";

const note = document.querySelector("[data-list-changed]");
let pointed = false;
let waiting = false;
let pressed = false; // "Show": the list that comes next is shown, wherever pointer and focus are

function isBusy() {
  return pointed || body().contains(document.activeElement) || openPopover(document)?.id === "row-menu";
}

// With the heads of groups.
function linesIn(root) {
  return [...root.querySelectorAll("[data-rows] > tr")];
}

function incidentsIn(root) {
  return [...root.querySelectorAll(".incident")];
}

function same(shown, arriving) {
  return shown.length === arriving.length && shown.every((row, place) => row.id === arriving[place].id);
}

// The arriving rows in the order of those shown: newer cells where there are any, nothing added, nothing taken away.
function hold(shown, section) {
  const arriving = new Map(linesIn(section).map((row) => [row.id, row]));
  const rows = shown.map((row) => {
    const fresh = arriving.get(row.id);
    if (fresh) return fresh;
    const gone = row.cloneNode(true);
    if (gone.dataset.candidacy) gone.dataset.gone = "";
    return gone;
  });
  section.querySelector("[data-rows]").replaceChildren(...rows);
  for (const incident of incidentsIn(section)) incident.remove();
  section.prepend(...incidentsIn(document).map((incident) => incident.cloneNode(true)));
}

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  const section = tasks[0]?.fragment.querySelector("#candidates");
  if (!section) return;
  const shown = linesIn(document);
  const changed = !same(shown, linesIn(section)) || !same(incidentsIn(document), incidentsIn(section));
  waiting = isRefresh(ctx) && changed && shown.length > 0 && isBusy() && !pressed;
  pressed = false;
  if (waiting) hold(shown, section);
  note.hidden = !waiting;
});

function release() {
  if (!waiting || isBusy()) return;
  showNow();
}

function showNow() {
  ask({ anew: true });
}

// A list held back differs from what its tag means, so each request asks for the whole list until it is shown.
document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (isRefresh(ctx) && waiting) ctx.request.headers["HX-PTag"] = "whole";
});

document.addEventListener("pointerover", (event) => {
  const at = body().contains(event.target) && event.pointerType !== "touch";
  if (pointed && !at) {
    pointed = false;
    release();
  }
  pointed = at;
});
document.documentElement.addEventListener("pointerleave", () => {
  pointed = false;
  release();
});
document.addEventListener("focusout", () => setTimeout(release));
document.querySelector("[data-show-changes]").addEventListener("click", () => {
  pressed = true;
  showNow();
});
