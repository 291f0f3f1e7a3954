// The print button of a page made for paper. It appears where this runs, once the whole list is there.
for (const button of document.querySelectorAll("[data-print]")) {
  if (typeof window.print !== "function") continue; // browsers for exams may have none
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
