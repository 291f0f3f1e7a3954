// The answers on the exam page save themselves. No typed text is lost to a failed save, a closed tab or a crash.
import { leftBehind } from "./drafts.js";
import { fetchFragment } from "./own-answers.js";
import { check, sittingOf } from "./sittings.js";
import { listen } from "./tabs.js";
import { TimedAnswer } from "./timed-answer.js";

const exam = document.querySelector("[data-exam]");
const texts = exam.dataset;
const leaveProblem = exam.querySelector("[data-leave-problem]");
const answers = new Map();
const test = exam.dataset.test;
const grace = Number(exam.dataset.grace) * 1_000;
const ASK_AGAIN = 3_000;
let abandoned = false;
let warned = false;

for (const form of document.querySelectorAll("[data-answer]")) {
  const answer = new TimedAnswer(form, texts);
  answers.set(answer.question, answer);
}

const all = () => [...answers.values()];
const unsaved = () => all().filter((answer) => answer.isUnsaved);

// Resolves to whether every answer is saved.
async function saveAll() {
  await Promise.all(all().map((answer) => answer.saveNow()));
  await Promise.all(all().map((answer) => answer.saveNow())); // text typed during the first round
  return unsaved().length === 0;
}

function saveUnsaved() {
  for (const answer of unsaved()) answer.saveNow();
}

function complain(text) {
  leaveProblem.replaceChildren(Object.assign(document.createElement("p"), { className: "caution", textContent: text }));
}

// Loads what other tabs or computers have saved. Resolves to whether the server answered.
async function refresh() {
  let page;
  try {
    const answer = await fetchFragment(location.pathname);
    if (!answer.ok) return false; // the notice strip and the next save show the problem
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return false; // no network
  }
  for (const form of page.querySelectorAll("[data-answer]")) {
    const words = form.querySelector("[data-answer-state]");
    const text = form.querySelector("[data-answer-text]").value;
    answers.get(form.dataset.answer)?.learn(text, form.elements.base.value, words);
  }
  return true;
}

// Ask the server which text counts, until it answers.
let asking = false;
document.addEventListener("examhall:what-counts", async () => {
  if (asking) return;
  asking = true;
  while (!(await refresh())) await new Promise((done) => setTimeout(done, ASK_AGAIN));
  asking = false;
});

// Fields are open while the test runs by the server's clock, and at no other time.
function follow({ now, endsAt }) {
  for (const answer of all()) {
    if (now === "writing") answer.open();
    else if (now === "paused") answer.interrupt();
    else if (now === "time_up") answer.end(endsAt + grace);
    else answer.lock();
  }
  exam.querySelector("[data-submission]").hidden = !["writing", "time_up"].includes(now);
  if (!["writing", "paused", "time_up"].includes(now)) {
    if (unsaved().length) complain(texts.textChangedState);
  } else if (leaveProblem.textContent === texts.textChangedState) {
    leaveProblem.replaceChildren();
  }
}

document.addEventListener("examhall:sitting", ({ detail }) => detail.test === test && follow(detail));
follow(sittingOf(test));
// Browsers delay timers of hidden pages: check the clock before taking another letter.
exam.addEventListener(
  "beforeinput",
  (event) => {
    check();
    if (event.target.readOnly) event.preventDefault();
  },
  { capture: true },
);

document.addEventListener("visibilitychange", () => {
  if (abandoned) return;
  if (document.hidden) saveUnsaved();
  else refresh();
});
addEventListener("online", saveUnsaved);
addEventListener("pagehide", () => abandoned || all().forEach((answer) => answer.leave()));
addEventListener("beforeunload", (event) => {
  if (!abandoned && unsaved().length) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  event.preventDefault();
  saveUnsaved();
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
    leaveProblem.scrollIntoView({ block: "nearest" });
  }
});

// Links that need every answer saved first, such as the one to the submission.
for (const link of document.querySelectorAll("[data-after-saving]")) {
  link.addEventListener("click", async (event) => {
    if (!unsaved().length) return;
    event.preventDefault();
    if (await saveAll()) location.assign(link.href);
    else complain(texts.textLeave);
  });
}

listen("saved", ({ question, text, version, words }) => {
  const state = new DOMParser().parseFromString(words, "text/html").querySelector("[data-answer-state]");
  answers.get(question)?.learn(text, version, state);
});

leftBehind([...answers.values()][0]?.person).then((drafts) => {
  for (const [question, draft] of drafts) answers.get(question)?.restore(draft);
});
