// The first press on a part that is not there yet: it comes, and does what was pressed. A press on a menu that came before
// this script counts too.
import { sayAway } from "./monitor-dialog.js";
import { isPlainPress } from "./monitor-filter.js";
import { isThere, part } from "./monitor-parts.js";
import { buttonOf } from "./monitor-place.js";
import { closePopover, openPopover } from "./popovers.js";
import { browserStore } from "./browser-parts.js";
import { read } from "./person-storage.js";

const ROW = /^#c\d+$/;
const BOX = 'input[name="candidate"]';
const TICKS = `${BOX}, [data-select-page]`;
const AGAIN = 5000;
const monitor = document.getElementById("monitor");
const rowMenu = document.getElementById("row-menu");

// With what can be pressed in it.
async function drawer() {
  const [module] = await Promise.all([part("drawer"), rowMenu && part("rowMenu")]);
  return module;
}

// The drawer, by a press on a row or on the name in it.
monitor.addEventListener("click", async (event) => {
  const row = event.target.closest?.("[data-candidacy]");
  const link = event.target.closest?.("[data-open]");
  if (!row || !isPlainPress(event) || (!link && event.target.closest("a, button, label, input, [popover]"))) return;
  if (!link && !getSelection().isCollapsed) return;
  event.preventDefault();
  try {
    const { open, behind } = await drawer();
    open(row.dataset.candidacy, { focus: event.detail === 0 || behind.matches });
  } catch {
    sayAway(link ?? row);
  }
});

// By its address.
function openNamed() {
  if (ROW.test(location.hash)) drawer().catch(() => sayAway(document.querySelector(location.hash) ?? monitor));
}

addEventListener("popstate", openNamed);
openNamed();

async function fill(menu) {
  const name = (menu === rowMenu && "rowMenu") || (menu.matches(".account") && "alerts") || (menu.matches(".tool-menu") && "filters");
  if (!name) return;
  try {
    await part(name);
  } catch {
    const button = menu === rowMenu ? buttonOf(menu) : menu.querySelector("summary");
    if (menu === rowMenu) closePopover(menu);
    sayAway(button ?? menu);
  }
}

document.addEventListener("toggle", ({ target, newState }) => (target.open || newState === "open") && fill(target), true);
for (const menu of [...document.querySelectorAll("details[data-menu][open]"), openPopover(document)]) if (menu) fill(menu);

// Nothing in the menu of a row has an address until it is known for whom.
rowMenu?.addEventListener("click", async (event) => {
  if (isThere("rowMenu")) return;
  event.preventDefault();
  event.stopPropagation();
  const came = await part("rowMenu").catch(() => null); // told when the menu was opened
  if (came) event.target.click();
}, { capture: true });

// A field of the menu of filters, whose link leads to a page of its own.
monitor.addEventListener("click", async (event) => {
  const field = event.target.closest?.("[data-field]");
  if (!field || isThere("filters") || !isPlainPress(event)) return;
  event.preventDefault();
  try {
    await part("filters");
    field.click();
  } catch {
    location.assign(field.href);
  }
});

document.addEventListener("keydown", async (event) => {
  if (!event.key.startsWith("Arrow") || !event.target.closest(".tool-menu[open]") || isThere("filters")) return;
  event.preventDefault();
  await part("filters").catch(() => null); // told when the menu was opened
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: event.key, bubbles: true, cancelable: true }));
});

// The selection, by the first tick.
monitor.addEventListener("change", async ({ target }) => {
  if (!target.matches(TICKS)) return;
  try {
    await part("selection");
  } catch {
    target.checked = false;
    sayAway(target);
  }
});

// Arrows lead from box to box, and with Shift they tick or untick on their way; each box is pressed, so that it counts as
// any other press.
monitor.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.matches?.(BOX)) return;
  event.preventDefault();
  const here = [...document.querySelectorAll(`#candidates ${BOX}`)];
  const next = here[here.indexOf(event.target) + step];
  if (!next) return;
  next.focus();
  if (!event.shiftKey) return;
  next.checked = !event.target.checked;
  next.click();
});

// A press with Shift ticks all boxes from the one before, which the selection knows.
monitor.addEventListener("click", async (event) => {
  const { target, shiftKey } = event;
  if (!shiftKey || !target.matches?.(BOX) || isThere("selection")) return;
  event.preventDefault();
  try {
    await part("selection");
    target.dispatchEvent(new MouseEvent("click", { shiftKey, bubbles: true, cancelable: true }));
  } catch {
    sayAway(target);
  }
});

// Enter in a box would send a form for nobody.
monitor.addEventListener("submit", (event) => {
  if (event.target.id !== "selection" || isThere("selection")) return;
  event.preventDefault();
  event.stopPropagation();
}, { capture: true });

// What comes unasked: alerts that this device is to give, and what was selected before in this tab.
function bring(name) {
  part(name).catch(() => setTimeout(bring, AGAIN, name));
}

if (Object.values(browserStore.read("examhall.alerts") ?? {}).some(Boolean)) bring("alerts");
const ticked = [...document.querySelectorAll(TICKS)].some((box) => box.checked);
if (document.querySelector(TICKS) && (ticked || read("selection") || read("cleared-selection"))) bring("selection");
