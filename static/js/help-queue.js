// The queue of those who ask for help keeps itself true: every two and a half seconds while it is in view. What is over
// stays, and says so, as long as the pointer or the focus is in the list: nothing moves under a finger (R19).
import { timeLimit } from "./browser-parts.js";
import { ownFetch } from "./own-answers.js";
import { post } from "./post.js";

const EVERY = 2_500;
const PATIENCE = 10_000;
const page = document.querySelector("[data-help-queue]");
const away = document.querySelector("[data-help-away]");
let asking = false;
let presses = 0;

const isInUse = () => page.matches(":hover") || (page.contains(document.activeElement) && document.activeElement !== document.body);
const requests = (root) => [...root.querySelectorAll("[data-help]")];

// A request that is no longer there keeps its place, without its buttons.
function keepGone(fresh) {
  const list = fresh.querySelector(".help-list");
  for (const old of list ? requests(page) : []) {
    if (fresh.getElementById(old.id)) continue;
    const gone = fresh.importNode(old, true);
    gone.dataset.gone = "";
    gone.querySelector(".help-steps")?.replaceChildren(page.dataset.textGone);
    const before = fresh.getElementById(old.previousElementSibling?.id);
    if (before) before.after(gone);
    else list.prepend(gone);
  }
}

function count(waiting) {
  for (const badge of document.querySelectorAll("[data-help-count]")) {
    badge.hidden = waiting === "0";
    badge.textContent = waiting;
  }
}

async function show({ headers }, text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const isHeld = isInUse();
  if (isHeld) keepGone(fresh);
  const hasGone = fresh.querySelector("[data-gone]") !== null;
  const response = { status: 200, text };
  await htmx.swap({ text: fresh.body.innerHTML, target: page, sourceElement: page, swap: "innerMorph", request: {}, response });
  page.dataset.tag = hasGone ? "" : headers.get("HX-PTag");
  count(headers.get("X-Examhall-Help"));
}

async function refresh() {
  if (asking || document.hidden) return;
  asking = true;
  const before = presses;
  try {
    const headers = { "HX-Request": "true", "HX-PTag": page.dataset.tag };
    const answer = await ownFetch(page.dataset.helpQueue, { headers, cache: "no-store", signal: timeLimit(PATIENCE) });
    away.textContent = answer.status >= 400 ? page.dataset.textAway : "";
    const text = await answer.text();
    if (answer.status === 200 && before === presses) await show(answer, text);
  } catch {
    away.textContent = page.dataset.textAway;
  } finally {
    asking = false;
  }
}

async function press(form) {
  presses += 1;
  const item = form.closest("[data-help]");
  try {
    const answer = await post(form.action, {});
    const text = await answer.text();
    if (answer.status < 400 || answer.status === 409) await show(answer, text);
    else document.getElementById("help-said").replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
    away.textContent = "";
  } catch {
    away.textContent = page.dataset.textAway;
  }
  // the button that was pressed may have gone
  if (document.activeElement === document.body) item.querySelector(".help-steps button")?.focus();
}

page.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-help-step]");
  if (!form) return;
  event.preventDefault();
  press(form);
});
setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
addEventListener("online", refresh);
