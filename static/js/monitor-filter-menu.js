// The menus of the tools: order and columns, and those whose content is fetched when they are opened, the values of a filter
// with their counts and the saved views.
import { TICKING, changed, isPlainPress, setAll, setDensity, show } from "./monitor-filter.js";
import { keepInWindow } from "./monitor-menus.js";
import { wantedQuery } from "./monitor-view.js";
import { fetchFragment } from "./own-answers.js";
import { post } from "./post.js";

const monitor = document.getElementById("monitor");
const menu = document.getElementById("filter-menu");
const showing = menu.querySelector("[data-close-menu]");
const MENU = "details.tool-menu";
const ITEMS = "summary, .filter-panel :is(a, button, input, select)";
const OWN_ARROWS = 'input[type="radio"], input[type="datetime-local"], select';
let turn = 0;

// What the controls mean, as an address of another page takes it.
function query() {
  const wanted = new URLSearchParams(wantedQuery());
  for (const name of ["move", "page"]) wanted.delete(name);
  return String(wanted) || "view=all";
}

async function fill(panel, asking) {
  const mine = ++turn;
  const [part, away] = ["[data-fetched-part]", "[data-away]"].map((each) => panel.querySelector(each));
  away.hidden = true;
  part.ariaBusy = "true";
  let html;
  try {
    html = await (await asking).text();
  } catch {
    html = null;
  }
  if (mine !== turn) return;
  part.ariaBusy = null;
  away.hidden = html !== null;
  part.innerHTML = html ?? "";
  show();
  keepInWindow(panel.closest(MENU));
  const first = part.querySelector("[data-type-ahead], input:not([type=hidden]), select, a");
  if (matchMedia("(pointer: fine)").matches) first?.focus({ preventScroll: true });
}

// Nothing of the last time stays meanwhile: the answer would replace it under a press, which would be lost.
function fetchInto(panel, address) {
  panel.querySelector("[data-fetched-part]").replaceChildren();
  fill(panel, fetchFragment(`${address}?${query()}`));
}

function showFields(isShown) {
  menu.querySelector("[data-fields]").hidden = !isShown;
  menu.querySelector("[data-fetched]").hidden = isShown;
}

function openField(link) {
  showFields(false);
  fetchInto(link.closest("[data-fetched-menu]"), link.pathname);
}

function back() {
  const field = menu.querySelector("[data-filter-values] [name]")?.name;
  turn++;
  showFields(true);
  (menu.querySelector(`[data-field="${field}"]`) ?? menu.querySelector("[data-field]")).focus();
}

monitor.addEventListener("click", (event) => {
  if (!isPlainPress(event)) return;
  const { target } = event;
  const field = target.closest?.("[data-field]");
  if (field) {
    event.preventDefault();
    openField(field);
  }
  if (target.closest?.("[data-back]")) back();
  if (target.closest?.(`[data-close-menu], ${MENU} a[data-whole]`)) target.closest(MENU).open = false;
});

function opened(target) {
  if (target === menu) {
    showFields(true);
    tellCount();
  }
  const panel = target.querySelector("[data-fetched-menu][data-fetch]");
  if (panel) fetchInto(panel, panel.dataset.fetch);
}

document.addEventListener("toggle", ({ target }) => target.matches?.(MENU) && target.open && opened(target), true);

monitor.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-panel-form]")) return;
  event.preventDefault();
  const name = form.elements.name.value;
  fill(form.closest("[data-fetched-menu]"), post(form.getAttribute("action"), { name, query: query() }));
});

function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

monitor.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-type-ahead]")) return;
  const values = target.closest("[data-filter-values]");
  const ticks = [...values.querySelectorAll(".tick")];
  for (const tick of ticks) tick.hidden = !folded(tick.querySelector("bdi")?.textContent ?? "").includes(folded(target.value));
  values.querySelector("[data-nothing-found]").hidden = ticks.some((tick) => !tick.hidden);
});

monitor.addEventListener("keydown", (event) => {
  const { key, target } = event;
  const within = target.closest(`${MENU}[open]`);
  if (!within) return;
  if (key === "Enter" && target.matches("[data-type-ahead]")) {
    event.preventDefault();
    within.querySelector(".tick:not([hidden]) input")?.click();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (!step || target.matches(OWN_ARROWS)) return;
  event.preventDefault();
  const items = [...within.querySelectorAll(ITEMS)].filter((item) => !item.disabled && item.getClientRects().length);
  items.at((items.indexOf(target) + step) % items.length).focus();
});

function tellCount() {
  const count = Number(document.getElementById("candidate-count").dataset.count);
  showing.textContent = showing.dataset.words.replace("{count}", count.toLocaleString(document.documentElement.lang));
}

document.addEventListener("monitor:answered", ({ detail }) => detail.settled && tellCount());

monitor.addEventListener("change", ({ target }) => {
  const columns = target.form;
  if (!columns?.matches("[data-columns-form]")) return;
  if (target.name === "density") {
    setDensity(target.value);
    return;
  }
  const ticked = [...columns.querySelectorAll('[name="column"]:checked')].map((box) => box.value);
  changed((wanted) => setAll(wanted, "column", ticked), TICKING);
});

monitor.addEventListener("submit", (event) => {
  const { target, submitter } = event;
  if (!target.matches("[data-columns-form], [data-sort-form]")) return;
  event.preventDefault();
  changed((wanted) => {
    if (submitter.name === "move") wanted.append("move", submitter.value);
    else setAll(wanted, "sort", [submitter.value]);
    wanted.delete("page");
  });
  if (target.matches("[data-sort-form]")) target.closest("details").open = false;
});

// What was opened and pressed before this script was there.
for (const each of document.querySelectorAll(`${MENU}[open]`)) {
  opened(each);
  const pressed = [...each.querySelectorAll("[data-columns-form] input")].find((box) => box.checked && !box.defaultChecked);
  pressed?.dispatchEvent(new Event("change", { bubbles: true }));
}
