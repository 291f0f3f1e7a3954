// The server's time by a clock that nobody can set: `performance.now()`, and how far the server's is from it. The
// computer's own date plays no part. Each answer that carries the server's time bounds the offset from both sides: the
// server wrote it after the request was sent and before the answer was here.
// The clock stays so many milliseconds behind the middle of both bounds: on a usual network that is the lower one.
const SLACK = 500;
let lower = -Infinity;
let upper = Infinity;
let isDistrusted = false;

// `sentAt` and `receivedAt` are `performance.now()` around the request; `server` in milliseconds since 1970.
export function measure(server, sentAt, receivedAt) {
  const [least, most] = [server - receivedAt, server - sentAt];
  const fits = least <= upper && most >= lower;
  // one that contradicts what was measured before tells of a clock that stood still meanwhile, or was set
  lower = fits && !isDistrusted ? Math.max(lower, least) : least;
  upper = fits && !isDistrusted ? Math.min(upper, most) : most;
  isDistrusted = false;
}

// An answer that may tell of an earlier moment, such as that of a text which was stored before: it bounds one side only.
export function atLeast(server, receivedAt) {
  if (!isDistrusted) lower = Math.max(lower, Math.min(server - receivedAt, upper));
}

// After a gap: this clock may have stood still while the computer slept.
export function distrust() {
  isDistrusted = true;
}

export const isTrusted = () => !isDistrusted;

// Never ahead of the server, unless the network is so slow that being behind would be worse.
export function serverNow() {
  return performance.now() + Math.max(lower, (lower + upper) / 2 - SLACK);
}

const [page] = performance.getEntriesByType?.("navigation") ?? [];
const written = Number(document.querySelector('meta[name="server-time"]').content);
if (page?.responseStart) measure(written, page.requestStart, page.responseStart);
else measure(written, 0, performance.now());
