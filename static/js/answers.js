// The exam page's answers save themselves; nothing typed is lost to a failed save, a closed tab or a crash.
import { Answer } from "./answer.js";
import { leftBehind } from "./drafts.js";
import { ownFetch } from "./own-answers.js";
import { listen } from "./tabs.js";

const exam = document.querySelector("[data-exam]");
const texts = exam.dataset;
const answers = new Map();
let abandoned = false;
let warned = false;

for (const form of document.querySelectorAll("[data-answer]")) {
  const answer = new Answer(form, texts);
  answers.set(answer.question, answer);
}

const all = () => [...answers.values()];
const unsaved = () => all().filter((answer) => answer.isUnsaved);

// True once every answer is saved; false if one could not be.
async function saveAll() {
  await Promise.all(all().map((answer) => answer.saveNow()));
  await Promise.all(all().map((answer) => answer.saveNow())); // typed while the first was under way
  return unsaved().length === 0;
}

function again() {
  for (const answer of unsaved()) answer.saveNow();
}

function complain(text) {
  exam.querySelector("[data-leave-problem]")?.replaceChildren(
    Object.assign(document.createElement("p"), { className: "caution", textContent: text }),
  );
}

// What another tab or computer has saved meanwhile, when this tab is looked at again.
async function refresh() {
  let page;
  try {
    const answer = await ownFetch(location.pathname, { headers: { "HX-Request": "true" }, cache: "no-store" });
    if (!answer.ok) return; // saying so is for the strip and for the next save
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return; // no network: the same
  }
  for (const form of page.querySelectorAll("[data-answer]")) {
    const { text, base } = form.elements;
    const words = form.querySelector("[data-answer-state]");
    answers.get(form.dataset.answer)?.learn(text.value, base.value, words);
  }
}

document.addEventListener("visibilitychange", () => {
  if (abandoned) return;
  if (document.hidden) again();
  else refresh();
});
addEventListener("online", again);
addEventListener("pagehide", () => abandoned || all().forEach((answer) => answer.leave()));
addEventListener("beforeunload", (event) => {
  if (!abandoned && unsaved().length) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  event.preventDefault();
  again();
});

document.addEventListener("examhall:abandon", () => (abandoned = true));
document.addEventListener("examhall:leaving", (event) => unsaved().length && event.preventDefault());
document.addEventListener("examhall:signing-out", async (event) => {
  if (!unsaved().length) return;
  if (warned) {
    abandoned = true;
    return;
  }
  event.preventDefault();
  if (await saveAll()) {
    event.detail.form.requestSubmit();
  } else {
    warned = true;
    complain(texts.textSignOut);
    exam.querySelector("[data-leave-problem]")?.scrollIntoView({ block: "nearest" });
  }
});

// Links that need every answer saved first (on to the submission).
for (const link of document.querySelectorAll("[data-after-saving]")) {
  link.addEventListener("click", async (event) => {
    if (!unsaved().length) return;
    event.preventDefault();
    if (await saveAll()) location.assign(link.href);
    else complain(texts.textLeave);
  });
}

listen("saved", ({ question, text, version, words }) => {
  const said = new DOMParser().parseFromString(words, "text/html").querySelector("[data-answer-state]");
  answers.get(question)?.learn(text, version, said);
});

for (const [question, draft] of await leftBehind([...answers.values()][0]?.person)) {
  answers.get(question)?.restore(draft);
}
