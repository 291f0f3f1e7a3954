// The filters, and every link and form that changes the list. Each changes its own part of the wanted query at once, so
// that nothing pressed meanwhile is lost. The filters stay on the page when the list is replaced, and always show the
// wanted query.
import { PATH, ask, list, refuse, shown, want, wantedQuery } from "./monitor-view.js";
import { post } from "./post.js";

const monitor = document.getElementById("monitor");
const form = document.querySelector("[data-filter-form]");
const LINK = `a[href="${PATH}"], a[href^="${PATH}?"]`;
const CONTROLS = "[data-filter-form], [data-filter-values]";
const TEXTS = 'input[type="search"][name], input[type="datetime-local"]';
const REMEMBERED = ["sort", "column"];
const SINGLE = ["q", "sort", "page", "view", "column"]; // one value, or one list of values, that is replaced as a whole
const TYPING = 350;
export const TICKING = 60;

// Changes the wanted query by a function that gets it.
export function changed(change, wait) {
  const query = new URLSearchParams(wantedQuery());
  const before = new URLSearchParams(query);
  change(query);
  if (String(query) === String(before)) return;
  if (query.has("move")) chosen.add("column");
  for (const name of REMEMBERED) if (String(query.getAll(name)) !== String(before.getAll(name))) chosen.add(name);
  want(query.toString(), wait);
}

export function setAll(query, name, values) {
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

export function isPlainPress(event) {
  return event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
}

function fields(kind) {
  return [...monitor.querySelectorAll(CONTROLS)].flatMap((root) => [...root.querySelectorAll(kind)]);
}

function showTicks(query) {
  const ticked = new Set([...query].map((pair) => pair.join("=")));
  for (const box of fields('[type="checkbox"], [type="radio"]')) box.checked = box.value || box.type === "checkbox" ? ticked.has(`${box.name}=${box.value}`) : !query.get(box.name);
}

function showTexts(query, all) {
  for (const field of fields(TEXTS)) {
    if (all || field !== document.activeElement) field.value = query.get(field.name) ?? "";
  }
}

function showPeriods(query) {
  for (const field of fields("select")) field.value = query.get(field.name) ?? "";
}

function showBadge(place, count) {
  const badge = place.querySelector("[data-active-count]") ?? document.createElement("span");
  badge.className = "badge";
  badge.dataset.activeCount = count;
  badge.textContent = count;
  badge.hidden = count === 0;
  if (!badge.isConnected) place.append(" ", badge);
}

// How many values are set, of each field of the menu and of all.
function countActive(query) {
  const menu = document.getElementById("filter-menu");
  const fieldOf = (name) => (menu.querySelector(`[data-field="${name}"]`) ? name : "times");
  const set = [...query.keys()].filter((name) => !SINGLE.includes(name)).map(fieldOf);
  showBadge(menu.querySelector("summary"), set.length);
  for (const link of menu.querySelectorAll("[data-field]")) showBadge(link, set.filter((field) => field === link.dataset.field).length);
}

// A field with the focus keeps its text, unless its value was refused.
export function show({ all = false } = {}) {
  const query = new URLSearchParams(wantedQuery());
  showTicks(query);
  showTexts(query, all);
  showPeriods(query);
  countActive(query);
}

function isControl(target) {
  return target.name && target.closest(CONTROLS);
}

monitor.addEventListener("input", ({ target }) => {
  if (isControl(target) && target.type === "search") filterBy(target, TYPING);
});

monitor.addEventListener("change", ({ target }) => {
  if (!isControl(target) || target.type === "search" || target.validity.rangeUnderflow || target.validity.badInput) return; // half typed
  if (target.validity.valid) filterBy(target, target.type === "datetime-local" ? TYPING : TICKING);
  else refuse("date");
});

monitor.addEventListener("focusout", ({ target }) => {
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

// The server remembers order and columns for the person once the list shows them.
const SETTINGS = document.querySelector("[data-columns-form]")?.getAttribute("action"); // the plan has none
const chosen = new Set();
let density = "";

// How high a row is.
export function setDensity(value) {
  density = list().dataset.density = value;
  chosen.add("density");
  remember();
}

async function remember() {
  const query = new URLSearchParams(shown());
  if (density) query.set("density", density);
  const names = [...chosen];
  chosen.clear();
  const values = (name) => (query.has(name) ? query.getAll(name) : "");
  if (!names.length) return;
  try {
    await post(SETTINGS, Object.fromEntries(names.map((name) => [name, values(name)])));
  } catch {
    names.forEach(chosen.add, chosen); // the next answer of the list brings the server back
  }
}

document.addEventListener("monitor:answered", ({ detail }) => detail.settled && remember());

document.addEventListener("monitor:wanted", () => show());
document.addEventListener("monitor:answered", ({ detail }) => detail.settled && show());
document.addEventListener("monitor:refused", () => show({ all: true }));

// What was typed before this script was there.
if (form.elements.q.value !== form.elements.q.defaultValue) filterBy(form.elements.q, TICKING);
show();
