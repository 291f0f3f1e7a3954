// The button of a popover, and where it stands: beside its button, within the window.
import { closePopover, openPopover } from "./popovers.js";

const ROW_MENU = '[popovertarget="row-menu"]';
let pressed = document.activeElement?.closest(ROW_MENU) ?? null; // before this script was there

// All rows share a menu. For another row it closes first, so that the press opens it there.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(ROW_MENU);
  if (!button) return;
  const open = openPopover(document);
  if (open?.id === "row-menu" && button !== pressed) closePopover(open);
  pressed = button;
}, true);

export function buttonOf(menu) {
  return menu.id === "row-menu" ? pressed : document.querySelector(`[popovertarget="${menu.id}"]`);
}

export function placeBeside(button, popover) {
  const at = button.getBoundingClientRect();
  const size = popover.getBoundingClientRect();
  const below = at.bottom + size.height < innerHeight;
  popover.style.margin = "0";
  popover.style.top = `${Math.max(0, below ? at.bottom : at.top - size.height)}px`;
  popover.style.left = `${Math.max(0, Math.min(at.left, innerWidth - size.width - 8))}px`;
}
