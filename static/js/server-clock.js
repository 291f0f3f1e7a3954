// The server's time, from a clock that nobody can set: `performance.now()` plus the offset of the server. The
// computer's own date plays no part. Each answer with the server's time bounds the offset from both sides: the server
// wrote it after the request was sent and before the answer arrived. The clock stays SLACK milliseconds behind the
// middle of the bounds, which on a usual network means the lower one.
const SLACK = 500;
let lower = -Infinity;
let upper = Infinity;
let isDistrusted = false;

// `sentAt` and `receivedAt` are `performance.now()` around the request; `server` in milliseconds since 1970.
export function measure(server, sentAt, receivedAt) {
  const [least, most] = [server - receivedAt, server - sentAt];
  const fits = least <= upper && most >= lower;
  // a measurement that contradicts earlier ones reveals a clock that stood still meanwhile, or was set
  lower = fits && !isDistrusted ? Math.max(lower, least) : least;
  upper = fits && !isDistrusted ? Math.min(upper, most) : most;
  isDistrusted = false;
}

// An answer that may carry an earlier moment, such as that of an earlier save: it bounds the offset from one side only.
export function atLeast(server, receivedAt) {
  if (!isDistrusted) lower = Math.max(lower, Math.min(server - receivedAt, upper));
}

// Call after a gap: the clock may have stopped while the computer slept.
export function distrust() {
  isDistrusted = true;
}

export const isTrusted = () => !isDistrusted;

// Never ahead of the server, unless the network is so slow that lagging behind would be worse.
export function serverNow() {
  return performance.now() + Math.max(lower, (lower + upper) / 2 - SLACK);
}

const [page] = performance.getEntriesByType?.("navigation") ?? [];
const written = Number(document.querySelector('meta[name="server-time"]').content);
if (page?.responseStart) measure(written, page.requestStart, page.responseStart);
else measure(written, 0, performance.now());
