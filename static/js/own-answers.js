import { concernsAnother, sayWhoIsHere } from "./another-person.js";
import { timeLimit } from "./browser-parts.js";
import { ANSWER_WITHIN } from "./retry.js";

// An answer that does not come from Examhall is no answer: a captive portal, a single-sign-on proxy or a maintenance page
// answers in its place, often with 200 and HTML. Examhall marks each of its answers with a header (webapp/web/security.py).
export function isOurs(response) {
  return response.headers.get("X-Examhall") === "1";
}

// Each request says whose page it comes from: the server refuses it once another person is signed in.
const person = document.querySelector('meta[name="person"]').content;

function asOwnPage(options = {}) {
  const headers = new Headers(options.headers);
  if (person) headers.set("X-Examhall-Person", person);
  return { ...options, headers };
}

// As `fetch`; an answer without the mark makes it fail as a missing network does. The error has the answer's `status`.
export async function ownFetch(address, options) {
  const response = await fetch(address, asOwnPage(options));
  if (isOurs(response)) {
    if (concernsAnother(response)) await sayWhoIsHere(response.clone());
    return response;
  }
  await response.body?.cancel();
  throw Object.assign(new TypeError("Failed to fetch: the answer is not from Examhall"), { status: response.status });
}

// A page without its frame, as it is now.
export function fetchFragment(address) {
  const signal = timeLimit(ANSWER_WITHIN);
  return ownFetch(address, { headers: { "HX-Request": "true" }, cache: "no-store", signal });
}

// This script stands before htmx in the page, so no request of htmx is made without it.
document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.fetch = ownFetch;
});
