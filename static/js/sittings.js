// The state of this person's tests, by the server's answers and clock (R25). A page shows by itself what time changes:
// elements in `[data-test]` name their states by `data-when` and `data-enabled-when`. Other changes come as an event,
// or with what the page asks for. `examhall:sitting` tells the page's other scripts.
import { fetchFragment } from "./own-answers.js";
import { distrust, isTrusted, measure, serverNow } from "./server-clock.js";
import { holdField } from "./writing-place.js";

const TICK = 1_000;
const GAP = 3_000;
const ASK_EVERY = 60_000;
const RETRY_AFTER = 2_000;
const SPREAD = 8_000;
const SOON = 1_500;
const YOUNG = 3_000;
const FACTS = ["startsAt", "endsAt", "until", "place", "minutes", "helpState", "askedAt"];
// States that the page leaves at once: one candidate's test goes on. Others may come to a whole hall.
const GOES_ON = ["early", "ready", "writing", "paused", "time_up"];
const stream = document.querySelector("[data-notices-stream]");
const sittings = new Map();
let version = document.body.dataset.sittingsVersion;
let asking = null;
let toldAt = -1; // when the page last heard of a change other than by asking
let askedAt = performance.now();
let timer;
let ticked = { steady: performance.now(), date: Date.now() };

const parse = (html) => new DOMParser().parseFromString(html, "text/html");

// The state that the server sent, moved on by the clock.
function stateOf({ state, startsAt, endsAt }) {
  const now = serverNow();
  if (["early", "ready"].includes(state)) {
    if (now >= endsAt) return "missed";
    return now >= startsAt ? "ready" : "early";
  }
  if (state === "writing" && now >= endsAt) return "time_up";
  return state;
}

export function sittingOf(test) {
  return sittings.get(test);
}

function read(element) {
  const { sitting, state, startsAt, endsAt, ...words } = element.dataset;
  return { ...words, test: sitting, state, startsAt: Number(startsAt), endsAt: Number(endsAt) };
}

function show(sitting) {
  for (const scope of document.querySelectorAll(`[data-test="${sitting.test}"]`)) {
    for (const element of scope.querySelectorAll("[data-when]")) element.hidden = element.dataset.when !== sitting.now;
    for (const control of scope.querySelectorAll("[data-enabled-when]")) {
      control.disabled = control.dataset.enabledWhen !== sitting.now;
    }
    for (const element of scope.querySelectorAll("[data-place]:not([data-sitting])")) element.textContent = sitting.place;
  }
}

// Applies the clock to everything. Called each second, and where the current state is needed.
export function check() {
  for (const sitting of sittings.values()) {
    const before = sitting.now;
    sitting.now = stateOf(sitting);
    if (before === sitting.now && !sitting.isNew) continue;
    sitting.isNew = false;
    const hold = holdField();
    show(sitting);
    hold();
    if (isOutgrown(sitting)) {
      const spread = before && GOES_ON.includes(sitting.now) && !GOES_ON.includes(before) ? 0 : SOON;
      setTimeout(() => renew(sitting.test), Math.max(YOUNG - performance.now(), Math.random() * spread));
    }
    document.dispatchEvent(new CustomEvent("examhall:sitting", { detail: { ...sitting, before } }));
  }
  schedule();
}

// The page cannot show the current state, such as when another tab has submitted the test.
function isOutgrown({ test, now }) {
  const page = document.querySelector(`[data-states][data-test="${test}"]`);
  return page !== null && !page.dataset.states.split(" ").includes(now);
}

// Reloads the page. A page with unsaved text stays, and says so.
function renew(test) {
  if (!isOutgrown(sittings.get(test))) return;
  if (document.dispatchEvent(new CustomEvent("examhall:leaving", { cancelable: true }))) location.reload();
}

// Wakes at the next boundary to the millisecond, and each second before.
function schedule() {
  clearTimeout(timer);
  const moments = [...sittings.values()].flatMap(({ startsAt, endsAt }) => [startsAt, endsAt]);
  const waits = moments.map((moment) => moment - serverNow()).filter((wait) => wait > 0);
  timer = setTimeout(tick, Math.min(TICK, ...waits.map((wait) => wait + 5)));
}

// A late timer, or a date that moved differently from the steady clock: the computer slept, or its clock was set.
function tick() {
  const [steady, date] = [performance.now(), Date.now()];
  const passed = steady - ticked.steady;
  if (passed > TICK + GAP || Math.abs(date - ticked.date - passed) > GAP) {
    distrust();
    ask();
  } else if (!isTrusted() ? steady - askedAt > RETRY_AFTER : steady - askedAt > ASK_EVERY) {
    ask();
  }
  ticked = { steady, date };
  check();
}

function learn(root) {
  const hold = holdField();
  for (const element of root.querySelectorAll("[data-sitting]")) {
    const [sitting, old] = [read(element), sittings.get(element.dataset.sitting)];
    const isSame = old && !old.isPartial && FACTS.every((name) => old[name] === sitting[name]);
    if (isSame && [old.state, stateOf(old)].includes(sitting.state)) continue;
    sittings.set(sitting.test, { ...sitting, now: old?.now, isNew: true });
    for (const copy of document.querySelectorAll(`[data-sitting="${sitting.test}"]`)) {
      if (copy !== element) copy.replaceWith(document.importNode(element, true));
    }
  }
  check();
  hold();
}

// Part of what stands of a sitting, without the words for the page: those come when it asks.
function suppose(sitting) {
  const old = sittings.get(sitting.test);
  toldAt = performance.now();
  sittings.set(sitting.test, { ...old, ...sitting, isNew: true, isPartial: true });
  check();
}

// A refusal has told the page that the test is paused. It asks until it knows: the pause may be over by then.
export async function heardOfPause(test) {
  suppose({ test, state: "paused" });
  for (let wait = RETRY_AFTER; !(await ask()); wait = Math.min(2 * wait, ASK_EVERY)) {
    await new Promise((done) => setTimeout(done, wait));
  }
}

// Asks the server for the state of all tests; one request at a time.
export function ask() {
  asking ??= question().finally(() => (asking = null));
  return asking;
}

async function question() {
  const sentAt = (askedAt = performance.now());
  try {
    const answer = await fetchFragment("/");
    const receivedAt = performance.now();
    if (!answer.ok) return false; // the notice strip shows the problem
    const list = parse(await answer.text()).getElementById("sittings");
    if (!list) return false;
    measure(Number(list.dataset.serverTime), sentAt, receivedAt);
    if (toldAt >= sentAt) return question(); // this may be older than what the page has heard meanwhile (trap 2)
    version = list.dataset.sittingsVersion;
    refreshList(list);
    learn(list);
    return true;
  } catch {
    return false; // no network: it asks again
  }
}

// Replaces the dashboard's list if a test has reached a state that time alone does not bring.
function refreshList(list) {
  const current = document.getElementById("sittings");
  if (!current) return;
  const steps = (root) => [...root.querySelectorAll("[data-shows]")].map((card) => `${card.dataset.test} ${card.dataset.shows}`);
  if (steps(current).join() === steps(list).join()) return;
  const isInside = current.contains(document.activeElement);
  const fresh = document.importNode(list, true);
  for (const panel of current.querySelectorAll("[data-help-panel]")) { // with what is being typed there
    fresh.querySelector(`[data-help-panel="${panel.dataset.helpPanel}"]`)?.replaceWith(panel);
  }
  current.replaceWith(fresh);
  sittings.clear();
  if (isInside) document.getElementById("main").focus({ preventScroll: true });
}

function soon(most) {
  setTimeout(ask, Math.random() * most);
}

// The push carries the sitting, so that a hall whose end has moved need not ask. It is a hint: a lost one does no harm.
// It comes in the installation's language: a page in another one takes its facts and asks for the words.
stream?.addEventListener("sitting", (event) => {
  const page = parse(event.detail.data);
  const pushed = page.querySelector("[data-sitting]");
  if (pushed && pushed.lang !== document.documentElement.lang) {
    const { until: _words, ...facts } = read(pushed);
    suppose(facts);
    soon(SPREAD);
    return;
  }
  toldAt = performance.now();
  learn(page);
  const state = pushed?.dataset.state;
  const card = document.querySelector("#sittings [data-sitting]");
  if (card && !["early", "ready"].includes(state)) soon(SOON);
});
stream?.addEventListener("htmx:sse:after:connection", () => soon(SPREAD));
document.addEventListener("examhall:polled", ({ detail }) => {
  if (detail.sittingsVersion && detail.sittingsVersion !== version) ask();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  check();
  ask();
});
addEventListener("online", () => ask());

learn(document);
