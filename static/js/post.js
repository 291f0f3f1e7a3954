// The one way in which scripts post: with the page's CSRF token, for a fragment. After a new sign-in in another tab the
// token has changed; the refusal carries the new one, and the same post is sent once more.
import { renew, token } from "./csrf.js";
import { ownFetch } from "./own-answers.js";

const SHORT = 10_000;

// URL-encoded, which the server reads in a fraction of the time. A long text goes as multipart/form-data, which sends each
// letter as it is: URL encoding takes up to nine bytes for one.
function formOf(fields) {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const item of [value].flat()) form.append(name, item);
  }
  if (String(form).length < SHORT) return String(form) ? form : null;
  const parts = new FormData();
  for (const pair of form) parts.append(...pair);
  return parts;
}

async function send(address, fields, options) {
  const answer = await ownFetch(address, {
    method: "POST",
    body: formOf(fields),
    headers: { "HX-Request": "true", "X-CSRFToken": token() },
    ...options,
  });
  renew(answer.headers.get("X-CSRF-Token"));
  return answer;
}

// `fields` maps names to a value or an array of values. Resolves to the Response, whatever its status; throws like
// fetch where Examhall does not answer.
export async function post(address, fields = {}, options = {}) {
  const before = token();
  const answer = await send(address, fields, options);
  if (answer.status !== 400 || token() === before) return answer;
  return send(address, fields, options);
}
