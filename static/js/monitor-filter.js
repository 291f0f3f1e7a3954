// The filters stay on the page while the list changes under them: whatever changed the address (a chip taken away, a
// link), they show what it says.
const form = document.querySelector("[data-filter-form]");

function showTicks(parameters) {
  for (const box of form.querySelectorAll('input[type="checkbox"]')) {
    box.checked = parameters.getAll(box.name).includes(box.value);
  }
}

function showTexts(parameters) {
  for (const field of form.querySelectorAll('input[type="search"], input[type="datetime-local"]')) {
    if (field !== document.activeElement) field.value = parameters.get(field.name) ?? "";
  }
}

function showPeriods(parameters) {
  for (const field of form.querySelectorAll("select")) field.value = parameters.get(field.name) ?? "";
}

function countActive() {
  for (const group of form.querySelectorAll(".filter-group")) {
    const ticked = group.querySelectorAll("input:checked").length;
    const filled = [...group.querySelectorAll('select, input[type="datetime-local"]')].filter((field) => field.value).length;
    const badge = group.querySelector("[data-active-count]");
    badge.textContent = ticked + filled;
    badge.hidden = ticked + filled === 0;
  }
}

document.addEventListener("htmx:after:history:push", (event) => {
  const parameters = new URL(event.detail.path, location.href).searchParams;
  showTicks(parameters);
  showTexts(parameters);
  showPeriods(parameters);
  countActive();
});

form.addEventListener("change", countActive);
