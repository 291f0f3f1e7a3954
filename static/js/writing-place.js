// Keeps the line being written at its place on the screen while the strip above it grows or shrinks (R11).
const GAP = 8;
const LEAST_STRIP = 88;
const COPIED = [
  "box-sizing", "padding-top", "padding-right", "padding-bottom", "padding-left", "border-top-width",
  "border-right-width", "border-bottom-width", "border-left-width", "border-style", "font-family", "font-size",
  "font-style", "font-weight", "font-variant", "font-stretch", "line-height", "letter-spacing", "word-spacing",
  "text-indent", "text-transform", "tab-size", "direction", "white-space", "overflow-wrap", "word-break",
];

const isField = (element) => element?.matches?.("textarea:not([readonly]), input:not([type=hidden])") ?? false;
export const writingField = () => (isField(document.activeElement) ? document.activeElement : null);

// The caret's line on the screen. Browsers do not tell where it is in a text field, so an invisible copy of the text
// before it is laid out.
export function caretLine(field) {
  const box = field.getBoundingClientRect();
  if (!(field instanceof HTMLTextAreaElement)) return { top: box.top, bottom: box.bottom };
  const style = getComputedStyle(field);
  const mirror = document.createElement("div");
  for (const name of COPIED) mirror.style.setProperty(name, style.getPropertyValue(name));
  const unseen = { position: "fixed", top: "0", left: "0", visibility: "hidden", width: `${field.offsetWidth}px` };
  Object.assign(mirror.style, unseen, { paddingInlineEnd: `calc(${style.paddingInlineEnd} + ${scrollbar(field)}px)` });
  const mark = document.createElement("span");
  mark.textContent = "\u200b";
  mirror.append(field.value.slice(0, field.selectionEnd), mark);
  document.body.append(mirror);
  const top = box.top + mark.offsetTop + field.clientTop - field.scrollTop;
  const bottom = top + mark.offsetHeight;
  mirror.remove();
  return { top, bottom };
}

function scrollbar(field) {
  return field.offsetWidth - field.clientWidth - 2 * field.clientLeft;
}

// Call this before the strip changes, and its result after. The strip takes only the room above the line, and the page
// under it scrolls by what the strip took.
export function holdPlace(strip) {
  const main = document.getElementById("main");
  const field = writingField();
  const line = field ? caretLine(field) : null;
  const seen = line && line.bottom > 0 && line.top < innerHeight;
  const before = main.getBoundingClientRect().top;
  const start = main.scrollTop;
  return () => {
    strip.style.maxHeight = strip.style.minHeight = "";
    const top = () => main.getBoundingClientRect().top;
    const height = () => strip.getBoundingClientRect().height;
    const over = seen ? top() - (line.top - GAP) : 0;
    if (over > 0 && top() !== before) strip.style.maxHeight = `${Math.max(LEAST_STRIP, height() - over)}px`;
    const missing = seen ? before - top() - start : 0;
    if (missing > 0) strip.style.minHeight = `${height() + missing}px`;
    main.scrollTop = start + top() - before;
    if (!seen) return;
    const covered = top() + GAP - caretLine(field).top;
    if (covered > 0 && top() !== before) main.scrollTop -= covered;
  };
}

// The same for a change above the answer that has the focus, also one that a pause has closed: call before and after.
export function holdField() {
  const field = document.activeElement;
  if (!(field instanceof HTMLTextAreaElement)) return () => {};
  const main = document.getElementById("main");
  const before = field.getBoundingClientRect().top;
  return () => (main.scrollTop += field.getBoundingClientRect().top - before);
}

// Gives the held room back when nobody writes there any more: after a click or a key, never between pressing and
// releasing, which would pull a button away under the finger.
export function releaseWhenDone(strip) {
  const release = () => {
    if (writingField() || strip.contains(document.activeElement)) return;
    if (strip.style.maxHeight || strip.style.minHeight) holdPlace(strip)();
  };
  for (const event of ["click", "keyup"]) document.addEventListener(event, () => setTimeout(release));
}
