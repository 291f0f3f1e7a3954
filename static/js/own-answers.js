import { concernsAnother, sayWhoIsHere } from "./another-person.js";
import { timeLimit } from "./browser-parts.js";
import { ANSWER_WITHIN } from "./retry.js";

// A response that does not come from Examhall is no answer: a captive portal, a single-sign-on proxy or a maintenance
// page responds in its place, often with 200 and HTML. Examhall marks each response with a header
// (webapp/web/security.py).
export function isOurs(response) {
  return response.headers.get("X-Examhall") === "1";
}

// Each request says whose page it comes from. The server refuses it once another person is signed in.
const person = document.querySelector('meta[name="person"]').content;

function asOwnPage(options = {}) {
  const headers = new Headers(options.headers);
  if (person) headers.set("X-Examhall-Person", person);
  return { ...options, headers };
}

// Like `fetch`, but a response without the mark fails like a missing network. The error carries its `status`.
export async function ownFetch(address, options) {
  const response = await fetch(address, asOwnPage(options));
  if (isOurs(response)) {
    if (concernsAnother(response)) await sayWhoIsHere(response.clone());
    return response;
  }
  await response.body?.cancel();
  throw Object.assign(new TypeError("Failed to fetch: the answer is not from Examhall"), { status: response.status });
}

// Fetches a page without its frame.
export function fetchFragment(address) {
  const signal = timeLimit(ANSWER_WITHIN);
  return ownFetch(address, { headers: { "HX-Request": "true" }, cache: "no-store", signal });
}

// This script stands before htmx in the page, so htmx makes every request with it.
document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.fetch = ownFetch;
});
