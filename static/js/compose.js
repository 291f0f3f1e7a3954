// The compose form: counts characters as the server does, shows the message as candidates see it, puts a test's name
// before the subject, and wants a second press for many.
const AGAIN_AFTER = 400; // a double click is one press
const FORM = "[data-compose]";

function fields(form) {
  return [form.elements.subject, form.elements.body];
}

// In Unicode code points, a line end counts as one, as on the server (R7).
function length(text) {
  return [...text.replace(/\r\n?/g, "\n")].length;
}

// In the page's language, which need not be the browser's.
function formatNumber(number) {
  return number.toLocaleString(document.documentElement.lang);
}

function showField(field) {
  const shown = field.form.querySelector(`[data-count-of="${field.id}"]`);
  const limit = Number(field.dataset.limit);
  const used = length(field.value);
  shown.textContent = `${formatNumber(used)} / ${formatNumber(limit)}`;
  shown.classList.toggle("field-error", used > limit);
  const seen = field.form.querySelector(`[data-seen="${field.name}"]`);
  if (seen) seen.textContent = field.value;
}

const prefixOf = (token) => `${token.dataset.insert}: `;

function showTokens({ elements: { subject } }) {
  for (const token of subject.form.querySelectorAll("[data-insert]")) {
    token.setAttribute("aria-pressed", String(subject.value.startsWith(prefixOf(token))));
  }
}

function show(form) {
  fields(form).forEach(showField);
  showTokens(form);
}

document.addEventListener("input", ({ target }) => {
  if (!target.form?.matches(FORM) || !target.dataset.limit) return;
  showField(target);
  showTokens(target.form);
  askAgain(target.form, false);
});

document.addEventListener("click", (event) => {
  const token = event.target.closest?.("[data-insert]");
  if (!token) return;
  event.preventDefault();
  const { subject } = token.form.elements;
  const prefix = prefixOf(token);
  subject.value = subject.value.startsWith(prefix) ? subject.value.slice(prefix.length) : prefix + subject.value;
  subject.dispatchEvent(new Event("input", { bubbles: true }));
  subject.focus();
});

// The button says that one more press sends, or again what it says at first.
function askAgain(form, armed) {
  const send = form.querySelector("[data-again]");
  if (!send || armed === "armed" in send.dataset) return;
  const shown = send.querySelector("[data-send-words]") ?? send;
  const words = shown.textContent;
  shown.textContent = send.dataset.again;
  send.dataset.again = words;
  if (armed) send.dataset.armed = performance.now();
  else delete send.dataset.armed;
}

// A message that goes out later can be cancelled: one press is enough.
const isLater = ({ elements: { when } }) => when !== undefined && when.value !== "now";

// Before htmx, which listens at the form.
document.addEventListener("submit", (event) => {
  const send = event.submitter;
  if (!send?.matches("[data-again]") || isLater(event.target) || performance.now() - Number(send.dataset.armed) > AGAIN_AFTER) return;
  event.preventDefault();
  event.stopPropagation();
  askAgain(event.target, true);
}, { capture: true });

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.(FORM);
  if (!form || event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat) return;
  event.preventDefault();
  form.querySelector("[data-send]")?.click();
});

document.addEventListener("htmx:after:swap", () => document.querySelectorAll(FORM).forEach(show));
document.querySelectorAll(FORM).forEach(show);
