// The compose form: counts characters as the server does, puts a test's name into the subject, and shows when the server
// cannot be reached.
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

function showCount(field) {
  const shown = field.form.querySelector(`[data-count-of="${field.id}"]`);
  const limit = Number(field.dataset.limit);
  const used = length(field.value);
  shown.textContent = `${formatNumber(used)} / ${formatNumber(limit)}`;
  shown.classList.toggle("field-error", used > limit);
}

function showCounts() {
  for (const form of document.querySelectorAll("[data-compose]")) fields(form).forEach(showCount);
}

document.addEventListener("input", (event) => {
  if (event.target.form?.matches("[data-compose]") && event.target.dataset.limit) showCount(event.target);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-insert]");
  if (!button) return;
  event.preventDefault();
  const subject = button.form.elements.subject;
  if (!subject.value.startsWith(`${button.dataset.insert}: `)) subject.value = `${button.dataset.insert}: ${subject.value}`;
  subject.dispatchEvent(new Event("input", { bubbles: true }));
  subject.focus();
});

function showUnreachable(form) {
  const place = form.querySelector("#compose-problem");
  const words = document.createElement("p");
  words.textContent = place.dataset.unreachable;
  const box = document.createElement("div");
  box.className = "problem";
  box.setAttribute("role", "alert");
  box.append(words);
  place.replaceChildren(box);
}

document.addEventListener("htmx:error", (event) => {
  const form = event.detail.ctx?.sourceElement;
  if (form?.matches?.("[data-compose]")) showUnreachable(form);
});

document.addEventListener("htmx:response:error", (event) => {
  const ctx = event.detail.ctx;
  if (ctx?.sourceElement?.matches?.("[data-compose]") && [502, 503, 504].includes(ctx.response?.status)) showUnreachable(ctx.sourceElement);
});

document.addEventListener("htmx:after:swap", showCounts);
showCounts();
