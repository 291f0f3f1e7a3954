// A bar that tells what was done, without taking the focus, and goes by itself: not while the pointer or the focus is in
// it. F6 goes there, Escape back. What comes while it is there stands above what it told before: nobody loses an Undo.
const MOST = 3;
const bar = document.querySelector("[data-quiet-bar]");
const words = bar.querySelector("[data-quiet-words]");
let left = 0;
let since = 0;
let timer = null;
let before = null; // what had the focus

function close() {
  clearTimeout(timer);
  timer = null;
  if (bar.contains(document.activeElement)) (before?.isConnected ? before : document.getElementById("main")).focus();
  bar.hidden = true;
  words.replaceChildren();
}

function isHeld() {
  return bar.matches(":hover") || bar.contains(document.activeElement);
}

function hold() {
  if (timer === null) return;
  clearTimeout(timer);
  timer = null;
  left = Math.max(left - (performance.now() - since), 1000);
}

function goOn() {
  if (bar.hidden || timer !== null || isHeld()) return;
  since = performance.now();
  timer = setTimeout(close, left);
}

// Shows an element for so many seconds, and announces its text. It takes the place of what has `pressed` in it.
export function showQuietly(element, seconds, pressed = null) {
  const had = words.contains(document.activeElement);
  [...words.children].find((told) => told.contains(pressed))?.remove();
  words.prepend(element);
  while (words.childElementCount > MOST) words.lastElementChild.remove();
  bar.hidden = false;
  if (had) (element.querySelector("a, button") ?? bar.querySelector(":scope > button")).focus();
  document.querySelector("[data-announce]").textContent = element.textContent.replace(/\s+/g, " ").trim();
  clearTimeout(timer);
  timer = null;
  left = seconds * 1000;
  goOn();
}

bar.addEventListener("focusin", ({ relatedTarget }) => {
  if (!bar.contains(relatedTarget)) before = relatedTarget;
  hold();
});
bar.addEventListener("pointerenter", hold);
for (const kind of ["pointerleave", "focusout"]) bar.addEventListener(kind, () => setTimeout(goOn));
bar.querySelector("button").addEventListener("click", close);
bar.addEventListener("keydown", (event) => event.key === "Escape" && close());
document.addEventListener("keydown", (event) => {
  if (event.key !== "F6" || bar.hidden || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  bar.querySelector("a, button").focus();
});
