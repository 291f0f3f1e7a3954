// Opens dialogs. The one for everybody in the filter waits until the list shows what the controls mean. A failure is
// told beside the button that was pressed, and nothing opens later.
import { closePopover, showPopover } from "./popovers.js";
import { ownFetch } from "./own-answers.js";
import { buttonOf, placeBeside } from "./monitor-place.js";
import { part } from "./monitor-parts.js";
import { isPending, list, settled } from "./monitor-view.js";

const monitor = document.getElementById("monitor");
const answer = document.getElementById("dialog-answer");
const COMPOSE = document.getElementById("selection").getAttribute("action");
const ROOT = COMPOSE.replace(/messages\/new$/, "");
const DIALOGS = [COMPOSE, ...["monitor/candidates/", "candidates/actions", "incidents/"].map((path) => ROOT + path)];
const WORDS_AFTER = 250;
const AWAY = [502, 503, 504];

closePopover(answer);

function opens(ctx) {
  return DIALOGS.some((address) => ctx?.request.action?.startsWith(address)) && monitor.contains(ctx.sourceElement);
}

function pressedIn(ctx) {
  const menu = ctx.sourceElement.closest("[popover]");
  return (menu ? buttonOf(menu) : ctx.request.submitter) ?? ctx.sourceElement;
}

function sayBeside(button, reason) {
  for (const words of answer.querySelectorAll("[data-when]")) words.hidden = words.dataset.when !== reason;
  closePopover(answer); // it may stand beside another button
  showPopover(answer);
  placeBeside(button, answer);
}

function say(ctx, reason) {
  sayBeside(pressedIn(ctx), reason);
}

// Tells beside a button that the server did not bring what was pressed.
export function sayAway(button) {
  sayBeside(button, "away");
}

// Of the form for everybody in the list.
function addressOfAll(link) {
  const filter = list().dataset.filter;
  const address = link.getAttribute("hx-get");
  return `${address}${address.includes("?") ? "&" : "?"}scope=filtered${filter && `&${filter}`}`;
}

function waitForList(ctx) {
  return async (_address, options) => {
    const words = setTimeout(() => isPending() && say(ctx, "waiting"), WORDS_AFTER);
    try {
      await settled();
    } finally {
      clearTimeout(words);
    }
    return ownFetch(addressOfAll(ctx.sourceElement), options);
  };
}

// If everybody in a filter is selected and another filter is on its way, the selection is cleared and nothing opens.
function waitForSameFilter(ctx) {
  return async (address, options) => {
    if (options.body?.get("scope") !== "filtered") return ownFetch(address, options);
    const filter = list().dataset.filter;
    await settled();
    if (list().dataset.filter === filter) return ownFetch(address, options);
    ctx.reason = "changed";
    throw new TypeError("Failed to fetch: the selection was cleared");
  };
}

// What the dialog needs comes beside its content. If the content alone comes, a link leads to its page.
function withSheet(ctx) {
  const ask = ctx.fetch;
  return async (address, options) => {
    const timeout = new Promise((_resolve, reject) => options.signal.addEventListener("abort", () => reject(options.signal.reason)));
    const [content, sheet] = await Promise.allSettled([ask(address, options), Promise.race([part("sheet"), timeout])]);
    if (content.status === "rejected") throw content.reason;
    if (sheet.status === "fulfilled") return content.value;
    if (ctx.sourceElement.matches("a")) location.assign(ctx.sourceElement.href);
    throw sheet.reason;
  };
}

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  ctx.request.action ||= ctx.sourceElement.getAttribute("formaction"); // one address for those with scripts and without
  if (!opens(ctx)) return;
  closePopover(answer);
  if (ctx.sourceElement.matches("[data-compose-all]")) ctx.fetch = waitForList(ctx);
  else if (ctx.request.form?.id === "selection") ctx.fetch = waitForSameFilter(ctx);
  ctx.fetch = withSheet(ctx);
});

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (opens(ctx)) say(ctx, ctx.reason ?? "away");
});

document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (!opens(ctx)) return;
  closePopover(answer);
  if (AWAY.includes(ctx.response.status)) say(ctx, "away");
});

// The text of a refusal is swapped into the box (hx-status on the monitor).
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (opens(ctx) && ctx.response.status >= 400 && !AWAY.includes(ctx.response.status)) say(ctx, "refused");
});

// File and paper wait for the list that the controls mean too.
monitor.addEventListener("click", async (event) => {
  const link = ["[data-save-list]", "[data-print-list]"].find((each) => event.target.closest?.(each));
  if (!link || !isPending()) return;
  event.preventDefault();
  try {
    await settled();
  } catch {
    return; // the page says that the list is not there
  }
  monitor.querySelector(link)?.click();
});
