// The strip of notices: shows each message once, the newest in full and the number of the others; a closed notice stays
// closed (R9, R11). Important ones stay on top until they are read, and a correction takes the place of what it corrects
// (R30). Its state is in memory only, so that nothing of a person stays in the browser (trap 11).
import { post } from "./post.js";
import { backoff } from "./retry.js";
import { Connection } from "./stream.js";
import { listen } from "./tabs.js";
import { holdPlace, releaseWhenDone, writingField } from "./writing-place.js";

const strip = document.querySelector("[data-notices-strip]");
const part = (name) => strip.querySelector(`[data-notices-${name}]`);
const list = part("list");
const words = strip.dataset;
const title = document.title;
const closed = new Set();
const arrivals = new WeakMap(); // notice → when it arrived, for those that came after the page
const GLANCE = 150; // milliseconds: nobody has seen a notice that arrived within them
const MANY = 3;
let lastField = null;

const notices = () => [...list.querySelectorAll("[data-notice]")];
const idOf = (notice) => notice.dataset.notice;
const isKnown = (id) => closed.has(id) || document.getElementById(`message-${id}`) !== null;
const isImportant = (notice) => "important" in notice.dataset;
const closable = () => notices().filter((notice) => !isImportant(notice));
const isBefore = (notice, other) =>
  isImportant(notice) === isImportant(other) ? Number(idOf(notice)) > Number(idOf(other)) : isImportant(notice);
const counted = (count, singular, plural) => (count === 1 ? singular : plural.replace("{n}", count));

function update() {
  const count = notices().length;
  const more = part("more");
  document.title = count ? `(${count}) ${title}` : title;
  more.hidden = count < 2;
  part("close-all").hidden = closable().length < MANY;
  if (count < 2) expand(false);
  else labelMore(count);
}

function labelMore(count) {
  const open = strip.classList.contains("is-expanded");
  part("more").textContent = open ? words.textFewer : counted(count - 1, words.textMoreOne, words.textMoreMany);
  part("more").setAttribute("aria-expanded", String(open));
}

function expand(open) {
  strip.classList.toggle("is-expanded", open);
  labelMore(notices().length);
}

function changing(change) {
  const hold = holdPlace(strip);
  change();
  update();
  hold();
}

function say(text) {
  const line = document.createElement("p");
  line.textContent = text;
  part("announcer").append(line);
  setTimeout(() => line.remove(), 30_000);
}

// Moves a new notice to its place and announces it. What it corrects goes in the same moment.
function arrived(notice) {
  const { corrects } = notice.dataset;
  if (corrects) {
    closed.add(corrects);
    if (document.activeElement?.closest(`#message-${corrects}`)) notice.querySelector(".notice-close").focus();
    document.getElementById(`message-${corrects}`)?.remove();
  }
  const next = notices().find((other) => other !== notice && isBefore(notice, other));
  if (notice.nextElementSibling !== (next ?? null)) list.insertBefore(notice, next ?? null);
  if (list.contains(document.activeElement)) expand(true); // never hide the notice that has the focus
  arrivals.set(notice, performance.now());
  const text = (name) => notice.querySelector(`[data-notice-${name}]`).textContent;
  say(`${text("sender")}: ${text("subject")}. ${text("body")}`);
  document.dispatchEvent(new CustomEvent("examhall:inbox-changed"));
}

function remove(ids) {
  const gone = notices().filter((notice) => ids.includes(idOf(notice)));
  if (!gone.length) return;
  const hadFocus = [...gone, part("close-all")].some((box) => box.contains(document.activeElement));
  changing(() => gone.forEach((notice) => notice.remove()));
  if (hadFocus && !focusStrip()) focusWriting();
  document.dispatchEvent(new CustomEvent("examhall:inbox-changed"));
}

function focusStrip() {
  const button = list.querySelector(".notice-close");
  button?.focus();
  return Boolean(button);
}

function focusWriting() {
  (lastField?.isConnected ? lastField : document.getElementById("main")).focus({ preventScroll: true });
}

function forget(ids) {
  ids.forEach((id) => closed.add(id));
  remove(ids);
}

// Taken back: it goes, also where it comes later, and the message center says so if it does not yet.
function withdrawn(ids) {
  forget(ids);
  const isStale = ids.some((id) => document.querySelector(`#inbox [data-message="${id}"]:not([data-withdrawn])`));
  if (isStale) document.dispatchEvent(new CustomEvent("examhall:inbox-changed"));
}

// Removes notices at once, and sends the request until the server has it.
async function close(ids, kind = "close", attempt = 0) {
  forget(ids);
  try {
    const answer = await post(part(kind).action, { message: ids }, { keepalive: true });
    if (answer.ok || answer.status === 404) return;
  } catch {
    // no network: try again below
  }
  setTimeout(() => close(ids, kind, attempt + 1), backoff(attempt, 15_000));
}

for (const kind of ["close", "read"]) {
  part(kind).addEventListener("submit", (event) => {
    event.preventDefault();
    close([event.submitter.value], kind);
  });
}

// "Close all" closes the notices that were visible when the press began, and no important one.
let pressed = null;
for (const kind of ["pointerdown", "keydown"]) {
  part("close-all").addEventListener(kind, (event) => {
    if (!event.repeat) pressed = performance.now();
  });
}
part("close-all").addEventListener("submit", (event) => {
  event.preventDefault();
  const latest = (pressed ?? performance.now()) - GLANCE;
  pressed = null;
  const seen = closable().filter((notice) => !(arrivals.get(notice) > latest));
  if (seen.length) close(seen.map(idOf));
});
// A click on a button of the strip does not take the focus from the field in which the person writes.
strip.addEventListener("mousedown", (event) => {
  if (event.target.closest("button") && writingField()) event.preventDefault();
});
// In a low window a notice is one line until it is unfolded (notices.css).
list.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-notice-unfold]");
  if (!button) return;
  changing(() => {
    const isOpen = button.closest("[data-notice]").classList.toggle("is-unfolded");
    button.setAttribute("aria-expanded", String(isOpen));
  });
});
part("more").addEventListener("click", () => changing(() => expand(!strip.classList.contains("is-expanded"))));
document.addEventListener("focusin", () => (lastField = writingField() ?? lastField));
document.addEventListener("keydown", (event) => {
  if (event.key !== "F6" || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
  if (strip.contains(document.activeElement) ? (focusWriting(), true) : focusStrip()) event.preventDefault();
});

function showState(state) {
  const line = part("state");
  if (line.dataset.state === state) return;
  changing(() => {
    line.dataset.state = state;
    part("words").textContent = words[`text${state.replace(/(^|-)./g, (piece) => piece.at(-1).toUpperCase())}`];
    part("sign-in").hidden = state !== "signed-out";
  });
}

// Leaves for the sign-in page, unless something on the page is not saved yet: then it says so and stays.
let leaving = false;
document.addEventListener("examhall:abandon", () => (leaving = true));

function signedOut() {
  if (leaving) return;
  const leave = document.dispatchEvent(new CustomEvent("examhall:leaving", { cancelable: true }));
  if (leave) location.replace(words.signIn);
  else showState("signed-out");
}

// This event may come before the response that removes the cookie. Leaving at once would cancel that response or sign in
// again, so hide the page and leave a moment later.
function sessionEnded() {
  if (leaving) return;
  if (document.dispatchEvent(new CustomEvent("examhall:leaving", { cancelable: true }))) document.body.hidden = true;
  setTimeout(signedOut, 1_500);
}
listen("signed-out", sessionEnded);

// Shows the list that a poll returned, except for what has happened on this page since it was requested (trap 2).
function polled(open, before) {
  document.dispatchEvent(new CustomEvent("examhall:polled", { detail: { ...open.dataset } }));
  withdrawn(open.dataset.withdrawn.split(",").filter(Boolean));
  const there = [...open.querySelectorAll("[data-notice]")];
  const ids = there.map(idOf);
  remove(notices().map(idOf).filter((id) => before.has(id) && !ids.includes(id)));
  for (const notice of there.reverse()) {
    if (isKnown(idOf(notice))) continue;
    changing(() => {
      list.prepend(notice);
      arrived(notice);
    });
  }
}

// Around the swap of a notice by hx-sse. Anything but an event stream (a captive portal's page) is not swapped in.
let hold = () => {};
const stream = part("stream");
stream.addEventListener("htmx:before:swap", (event) => {
  const kind = event.detail.ctx.response?.headers?.get("Content-Type") ?? "";
  if (kind.includes("text/event-stream")) hold = holdPlace(strip);
  else event.preventDefault();
});
stream.addEventListener("htmx:after:swap", () => {
  const fresh = list.querySelector("[data-notice]"); // swapped in as the first
  arrived(fresh);
  update();
  hold();
});

Object.assign(stream.dataset, { ping: words.ping, poll: words.poll });
new Connection(stream, {
  message: (event) => isKnown(event.detail.message.id) && event.preventDefault(),
  closed: forget,
  withdrawn,
  // the first event of a stream: removes notices that were closed elsewhere meanwhile; newer notices follow
  stillOpen: (ids) => remove(notices().map(idOf).filter((id) => !ids.includes(id))),
  pollBegins: () => new Set(notices().map(idOf)),
  polled,
  signedOut,
  ended: sessionEnded,
  state: showState,
});

releaseWhenDone(strip);
part("words").textContent = words.textConnecting;
update();
const waiting = notices().length;
if (waiting) setTimeout(() => say(counted(waiting, words.textOpenOne, words.textOpenMany)), 500);
