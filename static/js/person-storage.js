// What this tab keeps of the signed-in person: selected rows, unsent texts. It outlives pages and an expired session.
// It goes when the person signs out, in any tab, or when another person signs in (trap 11).
import { channel, tabStore } from "./browser-parts.js";

const PREFIX = "examhall.";
const person = document.querySelector('meta[name="person"]')?.content;
const own = `${PREFIX}${person}.`;
const tabs = channel("examhall");
const values = new Map(); // where the browser stores nothing, this lives as long as the page
let signedOut = !person;

function stored() {
  return tabStore.keys().filter((key) => key.startsWith(PREFIX));
}

for (const key of stored()) {
  if (key.startsWith(own)) values.set(key.slice(own.length), tabStore.read(key));
  else if (person) tabStore.remove(key);
}

// The value under a name; null if there is none.
export function read(name) {
  return values.get(name) ?? null;
}

export function keep(name, value) {
  if (signedOut) return;
  values.set(name, value);
  tabStore.write(own + name, value);
}

export function drop(name) {
  values.delete(name);
  tabStore.remove(own + name);
}

export function names() {
  return [...values.keys()];
}

function forget() {
  signedOut = true;
  values.clear();
  for (const key of stored()) tabStore.remove(key);
}

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || !event.target.matches("form[data-sign-out]")) return;
  forget();
  tabs.post({ kind: "signed-out", person });
});

tabs.listen((told) => {
  if (told.kind === "signed-out" && told.person === person) forget();
});
