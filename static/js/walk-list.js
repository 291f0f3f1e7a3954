// The ticks of a walk list stay on this device: a tablet may reload the page on the way. They hold numbers only, of the
// newest lists.
import { browserStore } from "./browser-parts.js";

const NAME = "examhall.walk-lists";
const MOST_LISTS = 20;
const number = document.querySelector("[data-walk-list]").dataset.walkList;
const boxes = [...document.querySelectorAll("[data-tick]")];

function storedTicks() {
  return browserStore.read(NAME) ?? {};
}

const ticked = new Set(storedTicks()[number]);
for (const box of boxes) box.checked ||= ticked.has(box.dataset.tick);

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-tick]")) return;
  const { [number]: _before, ...others } = storedTicks();
  const newest = Object.entries(others).sort(([first], [second]) => second - first).slice(0, MOST_LISTS - 1);
  const ticks = boxes.filter((box) => box.checked).map((box) => box.dataset.tick);
  browserStore.write(NAME, { ...Object.fromEntries(newest), [number]: ticks });
});
