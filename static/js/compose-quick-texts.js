// Quick texts in the compose form: pressing one fills in subject and message, and keeps what was typed as an unsent draft.
import { replaceText } from "./compose-drafts.js";

const CHIP = "[data-quick-text]";

function isIn({ dataset }, { subject, body }) {
  return subject.value === dataset.subject && body.value === dataset.body;
}

function showPressed(form) {
  for (const chip of form.querySelectorAll(CHIP)) chip.setAttribute("aria-pressed", String(isIn(chip, form.elements)));
}

document.addEventListener("click", (event) => {
  const chip = event.target.closest?.(CHIP);
  if (!chip?.form) return;
  event.preventDefault();
  const wasTyped = ![...chip.form.querySelectorAll(CHIP)].some((each) => isIn(each, chip.form.elements));
  replaceText(chip.form, { subject: chip.dataset.subject, body: chip.dataset.body }, wasTyped);
});

document.addEventListener("input", ({ target }) => target.form?.matches("[data-compose]") && showPressed(target.form));
document.addEventListener("htmx:after:swap", () => document.querySelectorAll("[data-compose]").forEach(showPressed));
