// The hall display: refreshes itself, keeps clock and time left true in between, says when it is not live any more, and
// keeps the screen on.
import { can, clockOf, keepScreenOn } from "./browser-parts.js";
import { hallClock, timeLeft } from "./hall-times.js";
import { jitter } from "./retry.js";
import { distrust, measure, serverNow } from "./server-clock.js";

const EVERY = 4_000;
const SILENCE = 15_000;
const loader = document.getElementById("display-refresher");
const state = document.querySelector("[data-hall-state]");
const button = document.querySelector("[data-full-screen]");
const { zone } = state.dataset;
const clock = hallClock(zone);
const seconds = clockOf(zone);
let heard = performance.now();
let lastGood = serverNow();
let refusal = "";
let lock = null;

function fill(part, text) {
  if (part.textContent !== text) part.textContent = text; // else a screen reader's place would move
}

function draw() {
  const now = serverNow();
  const hall = document.getElementById("hall");
  fill(hall.querySelector("[data-hall-clock]"), clock.time(now));
  fill(hall.querySelector("[data-hall-offset]"), clock.offset(now));
  for (const part of hall.querySelectorAll("[data-ends]")) fill(part, timeLeft(Number(part.dataset.ends), now, hall.dataset));
  const word = refusal || (performance.now() - heard > SILENCE ? "lost" : "live");
  if (state.dataset.hallState === word) return;
  state.dataset.hallState = word;
  fill(state.querySelector("[data-hall-heard]"), seconds.format(lastGood));
  for (const part of state.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== word;
}

function answered({ status, headers }) {
  if (status >= 500) return;
  refusal = status === 401 ? "signed-out" : "";
  if (status >= 400) refusal ||= "refused";
  else {
    heard = performance.now();
    distrust(); // the computer may have slept
    measure(Date.parse(headers.get("Date")) + 500, performance.now() - 1_000, performance.now()); // it tells the second
    lastGood = serverNow();
  }
  draw();
}

function ask() {
  htmx.trigger(loader, "display:load");
  setTimeout(ask, jitter(EVERY));
}

// The system takes the lock back when the page is hidden, and may refuse it when the battery is low: the screen then
// goes dark as it would without this page, and the next look at it asks again.
function keepAwake() {
  if (!can.awake || lock || document.visibilityState !== "visible") return;
  lock = keepScreenOn();
  lock.then((wakeLock) => wakeLock.addEventListener("release", () => (lock = null)), () => (lock = null));
}

// htmx may process the page before hx-ptag has loaded
htmx.process(loader, true);
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (ctx.sourceElement === loader && ctx.response) answered(ctx.response);
});
document.addEventListener("htmx:after:swap", draw);
document.addEventListener("visibilitychange", keepAwake);
document.addEventListener("fullscreenchange", () => {
  button.textContent = document.fullscreenElement ? button.dataset.textLeave : button.dataset.textEnter;
});
button.dataset.textEnter = button.textContent;
button.hidden = !document.fullscreenEnabled;
button.addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});
keepAwake();
draw();
setInterval(draw, 1_000);
setTimeout(ask, jitter(EVERY));
