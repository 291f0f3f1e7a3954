// The bar above the pages of staff: the server's time to the minute, and title, room and end of the tests that the list
// is about, also after its filter has changed. On other pages they are those of the list as this tab last showed it.
import { clockOf } from "./browser-parts.js";
import { read } from "./person-storage.js";
import { distrust, measure, serverNow } from "./server-clock.js";

const MINUTE = 60_000;
const clock = document.querySelector("[data-bar-clock]");
const title = document.querySelector("[data-bar-title]");
const scope = document.querySelector("[data-bar-scope]");
const tests = [...document.querySelectorAll("[data-bar-test]")];
const format = clockOf(clock.dataset.zone, { hour: "2-digit", minute: "2-digit" });
const words = clock.dataset;
let timer;

function fill(part, text) {
  if (part.textContent !== text) part.textContent = text; // else a screen reader's place would move
}

function left(end, now) {
  const minutes = Math.ceil((end - now) / MINUTE);
  const hours = minutes < 60 ? words.textMinutes : words.textHours.replace("{h}", Math.floor(minutes / 60));
  return end > now ? hours.replace("{m}", minutes % 60) : "";
}

// What comes next, and how long that is: the only test's start or end, or the first end of several.
function nextOf(shown, now) {
  const ends = shown.map((test) => Number(test.dataset.ends)).filter((end) => end > now || shown.length === 1);
  const starts = Number(shown[0].dataset.starts);
  const end = Math.min(...ends);
  if (!ends.length) return ["", ""];
  const isEarly = shown.length === 1 && starts > now;
  const isOver = end <= now;
  const name = shown.length > 1 ? "textNext" : (isEarly && "textStarts") || (isOver && "textEnded") || "textEnds";
  return [words[name].replace("{time}", format.format(isEarly ? starts : end)), isEarly ? "" : left(end, now)];
}

function drawTests(shown, isNamed) {
  const [first] = shown;
  const isSingle = shown.length === 1;
  for (const test of tests) test.removeAttribute("aria-current");
  if (isSingle) first.setAttribute("aria-current", "true");
  const several = isNamed ? title.dataset.textSeveral.replace("{count}", shown.length) : title.dataset.textAll;
  fill(title, isSingle ? first.querySelector("[data-title]").textContent : several);
  const { room } = first.dataset;
  scope.hidden = !room || shown.some((test) => test.dataset.room !== room);
  fill(scope.querySelector("bdi"), room);
}

function draw() {
  const query = document.getElementById("candidates")?.dataset.query ?? read("monitor-view") ?? "";
  const named = new URLSearchParams(query).getAll("test");
  const shown = tests.filter((test) => !named.length || named.includes(test.dataset.barTest));
  const now = serverNow();
  fill(clock.querySelector("[data-bar-now]"), format.format(now));
  if (shown.length) { // a test that is not open any more stays as the server has named it
    drawTests(shown, named.length > 0);
    const [end, rest] = nextOf(shown, now);
    fill(clock.querySelector("[data-bar-end]"), end);
    fill(clock.querySelector("[data-bar-left]"), rest);
  }
  clearTimeout(timer);
  timer = setTimeout(draw, MINUTE - (now % MINUTE) + 50);
}

// How many wait for help, in the bar; more of them are announced.
function hearHelp(count) {
  for (const badge of count === null ? [] : document.querySelectorAll("[data-help-count]")) {
    const isMore = Number(count) > Number(badge.textContent);
    if (isMore) document.querySelector("[data-announce]").textContent = badge.previousSibling.data + count;
    badge.hidden = count === "0";
    fill(badge, count);
  }
}

function hear({ headers }) {
  hearHelp(headers.get("X-Examhall-Help"));
  const date = Date.parse(headers.get("Date"));
  if (!date) return;
  distrust(); // the computer may have slept
  measure(date + 500, performance.now() - 1_000, performance.now());
  draw();
}

async function ask() {
  if (document.hidden) return;
  try {
    hear(await fetch("/help/waiting", { cache: "no-store" }));
  } catch {
    draw(); // without the server the clock goes on by itself
  }
}

draw();
document.addEventListener("monitor:answered", ({ detail: { ctx } }) => hear(ctx.response));
document.addEventListener("visibilitychange", ask);
if (!document.getElementById("monitor")) setInterval(ask, 15_000);
