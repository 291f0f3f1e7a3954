// The filters, and every link and form that changes the list. Each changes its own part of the wanted query at once, so
// that nothing pressed meanwhile is lost. The filters stay on the page when the list is replaced, and always show the
// wanted query.
import { PATH, ask, refuse, shown, want, wantedQuery } from "./monitor-view.js";

const monitor = document.getElementById("monitor");
const form = document.querySelector("[data-filter-form]");
const LINK = `a[href="${PATH}"], a[href^="${PATH}?"]`;
const TEXTS = 'input[type="search"], input[type="datetime-local"]';
const SINGLE = ["q", "sort", "page", "view", "column"]; // one value, or one list of values, that is replaced as a whole
const TYPING = 350;
const TICKING = 60;

function changed(change, wait) {
  const query = new URLSearchParams(wantedQuery());
  const before = query.toString();
  change(query);
  if (query.toString() !== before) want(query.toString(), wait);
}

function setAll(query, name, values) {
  query.delete(name);
  for (const value of values) query.append(name, value);
}

// A filter sets its own values and leads to the first page.
function filterBy(field, wait) {
  changed((query) => {
    const values = query.getAll(field.name).filter((value) => value !== field.value);
    if (field.type === "checkbox") setAll(query, field.name, field.checked ? [...values, field.value] : values);
    else if ((query.get(field.name) ?? "") === field.value.trim()) return;
    else setAll(query, field.name, [field.value.trim()].filter(Boolean));
    query.delete("page");
  }, wait);
}

// A link's address differs from the list shown by some values. The same values change in the wanted query.
function follow(link) {
  const before = new URLSearchParams(shown());
  const after = new URLSearchParams(new URL(link.href).search);
  changed((query) => {
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      const [old, fresh] = [before.getAll(name), after.getAll(name)];
      const [gone, come] = [old.filter((value) => !fresh.includes(value)), fresh.filter((value) => !old.includes(value))];
      const others = query.getAll(name).filter((value) => !gone.includes(value) && !come.includes(value));
      if (old.join("&") !== fresh.join("&")) setAll(query, name, SINGLE.includes(name) ? fresh : [...others, ...come]);
    }
  });
}

function isPlainPress(event) {
  return event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
}

function showTicks(query) {
  const ticked = new Set([...query].map((pair) => pair.join("=")));
  for (const box of form.querySelectorAll('input[type="checkbox"]')) box.checked = ticked.has(`${box.name}=${box.value}`);
}

function showTexts(query, all) {
  for (const field of form.querySelectorAll(TEXTS)) {
    if (all || field !== document.activeElement) field.value = query.get(field.name) ?? "";
  }
}

function showPeriods(query) {
  for (const field of form.querySelectorAll("select")) field.value = query.get(field.name) ?? "";
}

function countActive() {
  for (const group of form.querySelectorAll(".filter-group")) {
    const ticked = group.querySelectorAll("input:checked").length;
    const filled = [...group.querySelectorAll('select, input[type="datetime-local"]')].filter((field) => field.value).length;
    const badge = group.querySelector("[data-active-count]");
    badge.textContent = ticked + filled;
    badge.hidden = ticked + filled === 0;
  }
}

// A field with the focus keeps its text, unless its value was refused.
function show({ all = false } = {}) {
  const query = new URLSearchParams(wantedQuery());
  showTicks(query);
  showTexts(query, all);
  showPeriods(query);
  countActive();
}

form.addEventListener("input", ({ target }) => {
  if (target.type === "search") filterBy(target, TYPING);
});

form.addEventListener("change", ({ target }) => {
  if (target.type === "search" || target.validity.rangeUnderflow || target.validity.badInput) return; // half typed
  if (target.validity.valid) filterBy(target, target.type === "datetime-local" ? TYPING : TICKING);
  else refuse("date");
  countActive();
});

form.addEventListener("focusout", ({ target }) => {
  if (target.type === "datetime-local" && !target.validity.valid) refuse("date");
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  filterBy(form.elements.q);
  ask();
});

monitor.addEventListener("click", (event) => {
  const link = event.target.closest?.(LINK);
  if (!link || link.matches("[data-anew]") || !isPlainPress(event)) return;
  event.preventDefault();
  if (link.matches("[data-whole]")) want(new URL(link.href).search.slice(1));
  else follow(link);
});

monitor.addEventListener("change", (event) => {
  const columns = event.target.form;
  if (!columns?.matches("[data-columns-form]")) return;
  const ticked = [...columns.querySelectorAll("input:checked")].map((box) => box.value);
  changed((query) => setAll(query, "column", ticked), TICKING);
});

monitor.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-columns-form]")) return;
  event.preventDefault();
  changed((query) => query.append("move", event.submitter.value));
});

document.addEventListener("monitor:wanted", () => show());
document.addEventListener("monitor:answered", ({ detail }) => detail.settled && show());
document.addEventListener("monitor:refused", () => show({ all: true }));

// What was ticked or typed before this script was there.
for (const field of form.elements) {
  const isTicked = field.type === "checkbox" && field.checked !== field.defaultChecked;
  const isTyped = /search|datetime/.test(field.type) && field.value !== field.defaultValue;
  const isChosen = field.type === "select-one" && field.selectedIndex >= 0 && !field.options[field.selectedIndex].defaultSelected && field.value;
  if (isTicked || isTyped || isChosen) filterBy(field, TICKING);
}
