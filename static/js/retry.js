// How long a page waits before it tries again, and for the server's answer. Times are in milliseconds.
export const FIRST_RETRY = 1_000;
export const ANSWER_WITHIN = 10_000;

// Between half and the whole of the doubled wait, so that a hall does not come back at the same moment.
export function backoff(attempt, longest) {
  return Math.min(longest, FIRST_RETRY * 2 ** attempt) * (0.5 + Math.random() / 2);
}

// About as long, for what repeats: pages that were opened together drift apart.
export function jitter(wait) {
  return wait * (0.8 + Math.random() * 0.4);
}
