// The one way in which scripts post: with the page's CSRF token, for a fragment. After a new sign-in in another tab the
// token has changed; the refusal carries the new one, and the same post is sent once more.
import { renew, token } from "./csrf.js";
import { ownFetch } from "./own-answers.js";

// As multipart/form-data, which sends each letter as it is. URL encoding takes up to nine bytes for one.
function formOf(fields) {
  const pairs = Object.entries(fields);
  if (!pairs.length) return null;
  const form = new FormData();
  for (const [name, value] of pairs) {
    for (const item of [value].flat()) form.append(name, item);
  }
  return form;
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
