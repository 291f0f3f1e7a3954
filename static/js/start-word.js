// Announces that a test can be started, for people who cannot see its button become active. The focus stays.
const region = document.querySelector("[data-start-word]");

document.addEventListener("examhall:sitting", ({ detail: { test, before, now } }) => {
  if (before !== "early" || now !== "ready") return;
  const { title } = document.querySelector(`[data-test="${test}"]`)?.dataset ?? {};
  if (title) region.textContent = region.dataset.text.replace("{title}", title);
});
