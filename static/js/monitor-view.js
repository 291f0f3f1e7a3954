// The state of the monitor: `wanted` is the query that the controls mean. Filters, chips, page links, columns and sorting
// change it. One request at a time asks for it until the list shows it or the server refuses it, and a refresh is the same
// request. So no response can undo a control, and list, address and controls agree after each response.
const loader = document.getElementById("refresher");
export const PATH = loader.getAttribute("hx-get").split("?")[0];
const longest = Number(loader.dataset.longest);
const mostValues = Number(loader.dataset.mostValues);
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 5_000;
const TRIES = 3; // after so many errors of the server a change is taken back
const AWAY = [502, 503, 504];
const TOO_LONG = [414, 431];

// htmx may process the page before hx-ptag has loaded: it would not know what the page shows, and bring all of it again.
htmx.process(loader, true);

let wanted = shown();
let pending = false;
let current = null;
let failures = 0;
let timer;
let waiting = [];

export function list() {
  return document.getElementById("candidates");
}

export function shown() {
  return list().dataset.query;
}

export function wantedQuery() {
  return wanted;
}

// Whether the list does not show yet what the controls say.
export function isPending() {
  return pending;
}

// Whether a request asks for the list that is there already.
export function isRefresh(ctx) {
  return ctx?.sourceElement === loader && !ctx.isChange;
}

// Events on the document: "monitor:wanted", "monitor:answered" { ctx, settled }, "monitor:failed" { status } and
// "monitor:refused" { reason, why }.
function tell(kind, detail = {}) {
  document.dispatchEvent(new CustomEvent(`monitor:${kind}`, { detail }));
}

function isTooLong(query) {
  const parameters = new URLSearchParams(query);
  return query.length > longest || [...new Set(parameters.keys())].some((name) => parameters.getAll(name).length > mostValues);
}

export function want(query, wait = 0) {
  if (isTooLong(query)) {
    refuse("long");
    return;
  }
  wanted = query;
  pending = true;
  failures = 0;
  tell("wanted");
  clearTimeout(timer);
  timer = setTimeout(ask, wait);
}

// Tells why a change is not made. The controls go back to what was wanted before.
export function refuse(reason, why = "") {
  tell("refused", { reason, why });
}

// Asks for the wanted list, not a second time while a request for it is running, unless that may be lost (`anew`).
export function ask({ anew = false } = {}) {
  clearTimeout(timer);
  if (current?.wanted === wanted && !anew) return;
  loader.setAttribute("hx-get", wanted ? `${PATH}?${wanted}` : PATH);
  htmx.trigger(loader, "monitor:load");
}

// Resolves when the list shows what the controls mean. Rejects if the next response leaves it as it was.
export function settled() {
  if (!pending) return Promise.resolve();
  ask();
  return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
}

function release(kind, value) {
  const released = waiting;
  waiting = [];
  for (const promise of released) promise[kind](value);
}

function answered(ctx) {
  const isLast = ctx.wanted === wanted;
  if (isLast) settle();
  tell("answered", { ctx, settled: isLast });
  if (isLast) release("resolve");
}

function settle() {
  wanted = shown();
  failures = 0;
  const address = wanted ? `${PATH}?${wanted}` : PATH;
  if (address !== location.pathname + location.search) {
    if (pending) history.pushState({ htmx: true }, "", address);
    else history.replaceState(history.state, "", address);
  }
  pending = false;
}

function failed(ctx, status, isOurs) {
  if (pending && ctx.wanted === wanted) {
    const reason = refusal(status, isOurs);
    if (reason) takeBack(reason, ctx.text);
    else timer = setTimeout(ask, Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures++));
  }
  tell("failed", { status: isOurs && !AWAY.includes(status) ? status : null, isRefused: !pending && ctx.isChange });
}

// Why asking again is useless, or null if it may help.
function refusal(status, isOurs) {
  if (TOO_LONG.includes(status)) return "long"; // a server or proxy that takes less than ours
  if (!isOurs || status === 401 || status === 429 || AWAY.includes(status)) return null;
  if (status < 500) return "value";
  return failures + 1 >= TRIES ? "failed" : null;
}

function takeBack(reason, text) {
  wanted = shown();
  pending = false;
  const why = new DOMParser().parseFromString(text ?? "", "text/html").querySelector("[data-refused-value]");
  refuse(reason, why?.textContent);
}

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (ctx.sourceElement !== loader) return;
  current = Object.assign(ctx, { wanted, isChange: pending });
});

document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (ctx !== current) return;
  const { status } = ctx.response;
  if (status === 304) answered(ctx);
  else if (status >= 400) failed(ctx, status, true);
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx === current && ctx.response.status === 200) answered(ctx);
});

document.addEventListener("htmx:error", ({ detail: { ctx, error } }) => {
  if (ctx && ctx === current) failed(ctx, error.status, false);
});

// A response for another person is handled by another-person.js and does not get here.
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (ctx !== current) return;
  current = null;
  release("reject", new TypeError("Failed to fetch: the list is not there"));
});
