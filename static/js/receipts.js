// Tells the server which messages have been on the screen for two seconds, in a tab that is in front. Only the text of a
// message counts, not its subject: folded and counted notices have not been seen. This script is there only where the
// installation has receipts (R16).
import { post } from "./post.js";
import { backoff } from "./retry.js";

const LONG_ENOUGH = 2_000;
const SPREAD = 10_000; // a whole hall sees a message in the same second
const LONGEST_WAIT = 30_000;
const LEAST = 60; // pixels of a long text, about three lines
const TEXTS = "[data-notice] [data-notice-body], [data-message] .message-body";
const { receipts: address } = document.body.dataset;
const inView = new Set();
const timers = new Map();
const told = new Set();
const waiting = new Set();
let next = null;
let isTelling = false;

const numberOf = (text) => text.closest("[data-notice]")?.dataset.notice ?? text.closest("[data-message]")?.dataset.message;
const isInFront = () => document.visibilityState === "visible";

function tellSoon(wait) {
  next ??= setTimeout(tell, wait);
}

// Sends all that waits as one post, until the server has it.
async function tell(_event, attempt = 0) {
  clearTimeout(next);
  next = null;
  const numbers = [...waiting];
  if (isTelling || !numbers.length) return;
  isTelling = true;
  let isDone = false;
  try {
    const { status } = await post(address, { message: numbers }, { keepalive: true });
    isDone = status < 500 && status !== 401;
  } catch {
    // no network: told again below
  }
  isTelling = false;
  if (isDone) numbers.forEach((number) => waiting.delete(number));
  if (waiting.size) next = setTimeout(() => tell(null, attempt + 1), isDone ? Math.random() * SPREAD : backoff(attempt, LONGEST_WAIT));
}

function seen(text) {
  timers.delete(text);
  const number = numberOf(text);
  if (!number || told.has(number)) return;
  told.add(number);
  waiting.add(number);
  tellSoon(Math.random() * SPREAD);
}

function count() {
  for (const [text, timer] of timers) {
    if (isInFront() && inView.has(text)) continue;
    clearTimeout(timer);
    timers.delete(text);
  }
  if (!isInFront()) return;
  for (const text of inView) {
    if (!timers.has(text) && !told.has(numberOf(text))) timers.set(text, setTimeout(() => seen(text), LONG_ENOUGH));
  }
}

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting, intersectionRatio, intersectionRect } of entries) {
      const isSeen = isIntersecting && (intersectionRatio >= 0.5 || intersectionRect.height >= LEAST);
      if (isSeen) inView.add(target);
      else inView.delete(target);
    }
    count();
  },
  { threshold: Array.from({ length: 21 }, (_, step) => step / 20) },
);

function watch(root) {
  if (root.matches(TEXTS)) observer.observe(root);
  for (const text of root.querySelectorAll(TEXTS)) observer.observe(text);
}

watch(document.body);
new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    if (node.nodeType === Node.ELEMENT_NODE) watch(node);
  }
}).observe(document.body, { childList: true, subtree: true });
// Who closes a notice whose text is open has read it, however fast that was.
document.addEventListener("submit", ({ target, submitter }) => {
  const text = target.matches("[data-notices-close], [data-notices-read]") && submitter?.closest("[data-notice]")?.querySelector("[data-notice-body]");
  if (text && inView.has(text)) seen(text);
}, true);
document.addEventListener("visibilitychange", () => {
  count();
  if (!isInFront()) tell();
});
addEventListener("pagehide", tell);
