// The room plan: arrow keys from seat to seat, and the size of the seats, by its buttons or two fingers. The size belongs
// to the device.
import { browserStore } from "./browser-parts.js";

const NAME = "plan-zoom";
const SMALL = matchMedia("(max-width: 40rem)");
const LARGEST = 3;
const PINCHED = 1.3; // so far apart or together is a step
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const monitor = document.getElementById("monitor");
let fingers = 0;

function size() {
  return Number(monitor.dataset.planZoom);
}

function show(zoom) {
  monitor.dataset.planZoom = Math.min(LARGEST, Math.max(1, zoom));
  browserStore.write(NAME, size());
}

function distance({ touches: [first, second] }) {
  return Math.hypot(first.clientX - second.clientX, first.clientY - second.clientY);
}

function isOnPlan(event) {
  return event.touches.length === 2 && event.target.closest?.(".plan-scroll");
}

// The next seat in a direction, over aisles and empty places.
function seatBeside(seat, [down, right]) {
  const rows = [...seat.closest("tbody").rows];
  const forward = document.dir === "rtl" ? -right : right;
  let row = rows.indexOf(seat.closest("tr")) + down;
  let column = seat.closest("td").cellIndex + forward;
  while (rows[row]?.cells[column]) {
    const found = rows[row].cells[column].querySelector(".seat a");
    if (found) return found;
    row += down;
    column += forward;
  }
  return null;
}

monitor.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-plan-zoom]");
  if (button && button !== monitor) show(size() + Number(button.dataset.planZoom));
});

monitor.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  const seat = event.target.closest?.(".plan-grid .seat");
  if (!step || !seat || !event.target.matches("a") || event.ctrlKey || event.metaKey || event.altKey) return;
  const next = seatBeside(seat, step);
  if (!next) return;
  event.preventDefault();
  next.focus();
});

monitor.addEventListener("touchstart", (event) => {
  if (isOnPlan(event)) fingers = distance(event);
}, { passive: true });

monitor.addEventListener("touchmove", (event) => {
  if (!isOnPlan(event) || !fingers) return;
  const ratio = distance(event) / fingers;
  if (ratio < PINCHED && ratio > 1 / PINCHED) return;
  fingers = distance(event);
  show(size() + (ratio > 1 ? 1 : -1));
}, { passive: true });

monitor.dataset.planZoom = Math.min(LARGEST, Math.max(1, Number(browserStore.read(NAME)) || (SMALL.matches ? 1 : 2)));
