// Text that is not saved yet, kept in this browser over a crash or reload. Each page keeps its own; another page takes
// over only what belongs to no living page. Keyed by person; gone when saved, when signed out, and after a day.
import { listen, tell } from "./tabs.js";

const PREFIX = "examhall.unsaved";
const DAY = 24 * 3600 * 1000;
const ANSWER_WITHIN = 400;
const me = Math.random().toString(36).slice(2);
const alive = new Set();

// A browser may forbid or fill its storage. Then the text is still on the page and every save still happens; only a
// crash would lose it, and there is nothing that the person could do about that now.
function attempt(action, otherwise) {
  try {
    return action();
  } catch (error) {
    console.warn("Unsaved text cannot be kept in this browser:", error.message);
    return otherwise;
  }
}

const key = (person, question) => `${PREFIX}.${person}.${question}.${me}`;

export function keep(person, question, draft) {
  attempt(() => localStorage.setItem(key(person, question), JSON.stringify({ ...draft, at: Date.now() })));
}

export function drop(person, question) {
  attempt(() => localStorage.removeItem(key(person, question)));
}

export function dropAllOf(person) {
  remove(([owner]) => owner === person);
}

function stored() {
  return attempt(
    () =>
      Object.keys(localStorage)
        .filter((name) => name.startsWith(`${PREFIX}.`))
        .map((name) => [name, name.slice(PREFIX.length + 1).split(".")]),
    [],
  );
}

function remove(matches) {
  for (const [name, parts] of stored()) if (matches(parts, name)) attempt(() => localStorage.removeItem(name));
}

function read(name) {
  return attempt(() => JSON.parse(localStorage.getItem(name)), null);
}

listen("who-is-here", () => tell("alive", { page: me }));
listen("alive", ({ page }) => alive.add(page));

// question id → the newest draft that a page left behind; they are taken out of the storage.
export async function leftBehind(person) {
  remove((_parts, name) => Date.now() - (read(name)?.at ?? 0) > DAY);
  tell("who-is-here");
  await new Promise((done) => setTimeout(done, ANSWER_WITHIN));
  const found = new Map();
  for (const [name, [owner, question, page]] of stored()) {
    if (owner !== person || page === me || alive.has(page)) continue;
    const draft = read(name);
    attempt(() => localStorage.removeItem(name));
    if (draft && draft.at > (found.get(question)?.at ?? 0)) found.set(question, draft);
  }
  return found;
}
