// The rows on the page.
export function rowsIn(root) {
  return [...root.querySelectorAll("[data-candidacy]")];
}

export function body() {
  return document.querySelector("[data-rows]");
}
