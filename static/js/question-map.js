// The bar's map of the questions, and whether everything is saved. It reads what each answer says of itself.
const NEIGHBOUR = 40; // pixels of the questions beside the current one
const main = document.getElementById("main");
const sections = [...document.querySelectorAll(".question")];
const states = [...document.querySelectorAll("[data-save-state]")];
const summary = document.querySelector("[data-save-summary]");
const linkOf = (section) => document.querySelector(`[data-question-link="${section.querySelector("[data-answer]").dataset.answer}"]`);

function stateOfAll() {
  const all = states.map((state) => state.dataset.state);
  if (all.includes("failed")) return "failed";
  return all.some((state) => ["typing", "saving"].includes(state)) ? "saving" : "saved";
}

// The newest of the times at which answers were saved, as hours and minutes of the installation's zone.
function lastSaved() {
  const times = states.flatMap((state) => [...state.querySelectorAll("time")].map((time) => time.dateTime));
  return times.sort().at(-1)?.slice(11, 16) ?? "";
}

function summarize() {
  const state = stateOfAll();
  const time = lastSaved();
  const { textSaved, textSaving, textFailed, textEmpty } = summary.dataset;
  const words = { failed: textFailed, saving: textSaving, saved: time ? textSaved.replace("{time}", time) : textEmpty }[state];
  summary.dataset.state = state === "saved" && !time ? "empty" : state;
  summary.querySelector("[data-save-words]").textContent = words;
  summary.querySelector("[data-save-time]").textContent = time;
  summary.hidden = false;
  for (const section of sections) {
    const isWritten = section.querySelector("[data-answer-text]").value.trim() !== "";
    linkOf(section).querySelector("[data-question-mark]").hidden = !isWritten;
  }
}

// The question in which somebody writes while it is in view, else the first in view.
function current() {
  const { top, bottom } = main.getBoundingClientRect();
  const seen = sections.filter((section) => {
    const box = section.getBoundingClientRect();
    return box.bottom > top + 80 && box.top < bottom;
  });
  return seen.find((section) => section.contains(document.activeElement)) ?? seen[0] ?? sections.at(-1);
}

let marked = null;
function mark() {
  const section = current();
  if (section === marked) return;
  if (marked) linkOf(marked).removeAttribute("aria-current");
  marked = section;
  const link = linkOf(section);
  link.setAttribute("aria-current", "true");
  // a map of many questions scrolls in itself, and nothing else does
  const [box, map] = [link, link.parentElement].map((element) => element.getBoundingClientRect());
  const hidden = Math.max(0, box.right + NEIGHBOUR - map.right) - Math.max(0, map.left + NEIGHBOUR - box.left);
  link.parentElement.scrollLeft += hidden;
}

// Without an entry in the history, which Back would reload the page for.
for (const section of sections) {
  linkOf(section).addEventListener("click", (event) => {
    event.preventDefault();
    section.scrollIntoView();
    if (!matchMedia("(pointer: coarse)").matches) section.querySelector("[data-answer-text]").focus({ preventScroll: true });
    mark();
  });
}

const watcher = new MutationObserver(summarize);
for (const state of states) watcher.observe(state, { childList: true, attributes: true, attributeFilter: ["data-state"] });
main.addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
document.addEventListener("focusin", mark);
addEventListener("resize", mark);
summarize();
mark();
