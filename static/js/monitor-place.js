// Places a popover beside its button, within the window.
export function placeBeside(button, popover) {
  const at = button.getBoundingClientRect();
  const size = popover.getBoundingClientRect();
  const below = at.bottom + size.height < innerHeight;
  popover.style.margin = "0";
  popover.style.top = `${Math.max(0, below ? at.bottom : at.top - size.height)}px`;
  popover.style.left = `${Math.max(0, Math.min(at.left, innerWidth - size.width - 8))}px`;
}
