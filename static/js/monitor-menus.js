// Menus of the monitor: opening one closes the other, they stand within the window, and neither a refresh nor a new list
// closes what is open. Escape and a press elsewhere close them as they close every menu (details-menu.js).
import { closePopover, openPopover } from "./popovers.js";
import { buttonOf, placeBeside } from "./monitor-place.js";

const MENU = "details[data-menu]";
const MARGIN = 8;

htmx.registerExtension("open-menus", {
  htmx_before_morph_attr: (element, detail) => {
    if (detail.attrName === "open" && element.matches(MENU)) return false;
    if (detail.attrName === "style" && element.matches("[popover], .filter-panel")) return false;
    return true;
  },
});

// A panel stands under its button, or as far to the left of it as its width needs.
export function keepInWindow(menu) {
  const panel = menu.querySelector(".filter-panel");
  if (!panel) return;
  panel.style.translate = "";
  const box = panel.getBoundingClientRect();
  const over = Math.min(box.right - document.documentElement.clientWidth + MARGIN, box.left - MARGIN);
  if (over > 0) panel.style.translate = `${-over}px`;
}

addEventListener("resize", () => openMenus().forEach(keepInWindow));

function openMenus() {
  return document.querySelectorAll(`${MENU}[open]`);
}

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (menu.matches?.(MENU) && menu.open) {
    for (const other of openMenus()) if (other !== menu) other.open = false;
    keepInWindow(menu);
  }
  if (menu.matches?.("[popover].menu") && event.newState === "open") place(menu);
}, true);

document.addEventListener("click", (event) => {
  const menu = event.target.closest?.(".menu-item")?.closest("[popover]");
  if (menu) closePopover(menu);
});

function place(menu) {
  placeBeside(buttonOf(menu), menu);
}

// One that was opened before this script was there.
const opened = openPopover(document);
if (opened?.matches(".menu") && buttonOf(opened)) place(opened);

function isInView(button) {
  const box = button.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
}

// It goes along with its button. Closing it at once would also close it where the press itself, or the focus that
// moved there, brought the button into view: that scrolling is only reported after the press.
document.addEventListener("scroll", (event) => {
  const open = openPopover(document);
  if (!open?.matches(".menu") || open.contains(event.target)) return;
  if (isInView(buttonOf(open))) place(open);
  else closePopover(open);
}, { capture: true, passive: true });
