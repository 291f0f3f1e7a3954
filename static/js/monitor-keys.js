// Single keys for what staff do often. They only add: everything has a button or a link too. They do nothing while
// somebody types, with Ctrl, Alt or Meta, or while a dialog or menu is open, and can be switched off on each device
// (WCAG 2.1.4). The setting is a cookie, because signing out empties the browser's storage.
import { openPopover } from "./popovers.js";
import { rowsIn } from "./monitor-rows.js";
import { sayAway } from "./monitor-dialog.js";
import { part } from "./monitor-parts.js";

const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable]";
const OVER = "dialog[open], details[data-menu][open]";
const TWO_KEYS = 1000;
const AFTER_MOVES = 150;
const OFF = "single-keys=off";
const YEAR = 31_536_000;
const help = document.getElementById("keys");
const drawer = document.getElementById("drawer");
const setting = help.querySelector("[data-single-keys]");
const list = () => document.getElementById("candidates");
let went = 0;
let last = null; // the row that had the focus last
let opening;

const here = () => document.activeElement?.closest("[data-candidacy]") ?? document.getElementById(last) ?? document.querySelector("[data-candidacy][aria-current]");

function move(step) {
  const rows = rowsIn(list());
  const next = rows[rows.indexOf(here()) + step] ?? (here() ? null : rows[0]);
  if (!next) return;
  next.querySelector("[data-open]").focus();
  clearTimeout(opening);
  if (!drawer.hidden) opening = setTimeout(async () => (await part("drawer")).open(next.dataset.candidacy), AFTER_MOVES);
}

function tick() {
  here()?.querySelector('input[name="candidate"]')?.click();
}

async function message() {
  if (document.querySelector('input[name="candidate"]:checked')) await part("selection"); // its bar is on the way
  const ticked = document.querySelector("[data-action-bar] [form=selection]");
  const inDrawer = document.activeElement?.closest("#drawer");
  if (ticked?.checkVisibility() && !inDrawer) ticked.click();
  else if (inDrawer) inDrawer.querySelector('a[href*="?candidate="][hx-get]')?.click();
  else messageToRow();
}

// The menu that all rows share is for the row whose button was pressed.
function messageToRow() {
  const button = here()?.querySelector('[popovertarget="row-menu"]:not([data-may=manage])');
  if (!button) return;
  button.click();
  part("rowMenu").then(() => document.querySelector("#row-menu a[data-may=send]").click(), () => sayAway(button));
}

async function showHelp() {
  try {
    await part("sheet");
    help.showModal();
  } catch {
    sayAway(document.activeElement);
  }
}

function go(selector) {
  document.querySelector(selector)?.click();
}

function search() {
  const field = document.getElementById("monitor-q");
  field.focus();
  field.select();
}

const KEYS = { "/": search, j: () => move(1), k: () => move(-1), x: tick, m: message, "?": showHelp };
const AFTER_G = { l: () => go('nav a[href$="/log"]'), m: () => go("[data-monitor-link]"), s: () => go('nav a[href$="/messages"]') };

function isOff() {
  return document.cookie.split("; ").includes(OFF);
}

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isOff()) return;
  if (target.matches?.(TYPING) || document.querySelector(OVER) || openPopover(document)) return;
  const isSecond = event.timeStamp - went < TWO_KEYS;
  went = key === "g" ? event.timeStamp : -TWO_KEYS;
  const action = (isSecond && AFTER_G[key]) || KEYS[key];
  if (!action) return;
  event.preventDefault();
  action();
});

document.addEventListener("focusin", ({ target }) => {
  last = target.closest?.("[data-candidacy]")?.id ?? last;
});

setting.checked = !isOff();
setting.addEventListener("change", () => {
  document.cookie = setting.checked ? `${OFF}; path=/; max-age=0` : `${OFF}; path=/; max-age=${YEAR}; samesite=lax`;
});
document.addEventListener("click", ({ target }) => target.closest?.("[data-show-keys]") && showHelp());
