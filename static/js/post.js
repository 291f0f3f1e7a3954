// One way to post from a script: with the page's CSRF token, as a fragment's request. After signing in again in
// another tab the token is a new one; the refusal brings it, and the same post is sent once more.
import { renew, token } from "./csrf.js";
import { ownFetch } from "./own-answers.js";

// As multipart/form-data, which sends each letter as it is: the other encoding takes up to nine bytes for one.
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

// `fields`: name → value, or several in an array. Gives the Response whatever its status; throws as fetch does where
// there is no answer of ours.
export async function post(address, fields = {}, options = {}) {
  const before = token();
  const answer = await send(address, fields, options);
  if (answer.status !== 400 || token() === before) return answer;
  return send(address, fields, options);
}
