// Unsaved text, kept in this browser over a crash or reload. Each page keeps its own drafts, and takes over only those
// of pages that are closed. Drafts belong to a person. They go when saved, when the person signs out, and after a day
// by the server's clock. Where the browser stores nothing, the text is still on the page and is saved as usual; only a
// crash would lose it.
import { browserStore } from "./browser-parts.js";
import { serverNow } from "./server-clock.js";
import { listen, tell } from "./tabs.js";

const PREFIX = "examhall.unsaved";
const DAY = 24 * 3600 * 1000;
const ANSWER_WITHIN = 400;
const me = Math.random().toString(36).slice(2);
const alive = new Set();
const key = (person, question) => `${PREFIX}.${person}.${question}.${me}`;

export function keep(person, question, draft) {
  browserStore.write(key(person, question), { ...draft, keptAt: serverNow() });
}

export function drop(person, question) {
  browserStore.remove(key(person, question));
}

export function dropAllOf(person) {
  remove(([owner]) => owner === person);
}

function stored() {
  return browserStore
    .keys()
    .filter((name) => name.startsWith(`${PREFIX}.`))
    .map((name) => [name, name.slice(PREFIX.length + 1).split(".")]);
}

function remove(matches) {
  for (const [name, parts] of stored()) if (matches(parts, name)) browserStore.remove(name);
}

listen("who-is-here", () => tell("alive", { page: me }));
listen("alive", ({ page }) => alive.add(page));

// Maps question id to the newest draft of a closed page, and removes these drafts from the storage.
export async function leftBehind(person) {
  remove((_parts, name) => serverNow() - browserStore.read(name)?.keptAt > DAY);
  tell("who-is-here");
  await new Promise((done) => setTimeout(done, ANSWER_WITHIN));
  const found = new Map();
  for (const [name, [owner, question, page]] of stored()) {
    if (owner !== person || page === me || alive.has(page)) continue;
    const draft = browserStore.read(name);
    browserStore.remove(name);
    if (draft && (draft.keptAt ?? 0) >= (found.get(question)?.keptAt ?? 0)) found.set(question, draft);
  }
  return found;
}
