// One way to post from a script: with the page's CSRF token, as a fragment's request. After signing in again in
// another tab the token is a new one; the refusal brings it, and the same post is sent once more.
import { renew, token } from "./csrf.js";

async function send(address, fields, options) {
  const body = Object.keys(fields).length ? new FormData() : null; // a ping says nothing, and always the same
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  const answer = await fetch(address, {
    method: "POST",
    body,
    headers: { "HX-Request": "true", "X-CSRFToken": token() },
    ...options,
  });
  renew(answer.headers.get("X-CSRF-Token"));
  return answer;
}

// Gives the Response whatever its status; throws as fetch does where there is no answer.
export async function post(address, fields = {}, options = {}) {
  const before = token();
  const answer = await send(address, fields, options);
  if (answer.status !== 400 || token() === before) return answer;
  return send(address, fields, options);
}

// Between half and the whole of the doubled wait, so that a hall does not come back in one moment.
export function backoff(attempt, first, longest) {
  return Math.min(longest, first * 2 ** attempt) * (0.5 + Math.random() / 2);
}
