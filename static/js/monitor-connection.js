// Tells whether the list is up to date, else in the bar since when not, and why a filter was not applied.
import { clockOf } from "./browser-parts.js";

const box = document.querySelector("[data-connection-box]");
const updated = document.querySelector("[data-updated]");
const refused = document.querySelector("[data-refused]");
const busy = document.getElementById("monitor-busy");
const time = clockOf(document.querySelector("[data-bar-clock]").dataset.zone);
const NAMED = [400, 401, 403];
let lastGood = updated.textContent;

function choose(root, reason) {
  for (const part of root.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(reason);
}

function wordsFor(status) {
  if (status === null) return "away";
  return NAMED.includes(status) ? String(status) : "other";
}

function setStale(stale) {
  box.hidden = !stale;
  document.body.classList.toggle("is-stale", stale);
}

// A class for the list as well: with `:has(#monitor-busy…)` every change in the page would have all rows styled anew.
function setBusy(isBusy) {
  busy.classList.toggle("htmx-request", isBusy);
  document.getElementById("monitor").classList.toggle("is-waiting", isBusy);
}

document.addEventListener("monitor:wanted", () => {
  setBusy(true);
  refused.hidden = true;
});

document.addEventListener("monitor:answered", ({ detail: { ctx, settled } }) => {
  // the server's clock, as everywhere else on the page
  const date = ctx.response.headers.get("Date");
  if (date) updated.textContent = lastGood = time.format(new Date(date));
  setStale(false);
  if (!settled) return;
  setBusy(false);
  if (!ctx.isChange) return;
  // in words for screen readers, when the person changed the list; not at every refresh
  document.querySelector("[data-announce]").textContent = document.getElementById("candidate-count").textContent;
});

document.addEventListener("monitor:failed", ({ detail: { status, isRefused } }) => {
  if (isRefused && status !== 403) return; // said below; the list is as good as before
  choose(box, wordsFor(status));
  box.querySelector("[data-last-good]").textContent = lastGood;
  setStale(true);
});

document.addEventListener("monitor:refused", ({ detail: { reason, why } }) => {
  setBusy(false);
  choose(refused, reason);
  refused.querySelector("[data-refused-why]").textContent = why;
  refused.hidden = false;
});

refused.querySelector("button").addEventListener("click", () => (refused.hidden = true));
