// Popovers, which staff's pages alone open, and what stands for them in a browser that has none.
const hasPopovers = "popover" in HTMLElement.prototype;

// The open popover within an element. A browser without popovers shows menus where they stand (monitor-actions.css).
export function openPopover(root) {
  return hasPopovers ? root.querySelector(":popover-open") : null;
}

export function showPopover(element) {
  if (hasPopovers) element.showPopover();
  else element.hidden = false;
}

export function closePopover(element) {
  if (hasPopovers) element.hidePopover();
  else if (!element.matches(".menu")) element.hidden = true;
}
