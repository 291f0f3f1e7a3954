// The rows on the page.
export function rowsIn(root) {
  return [...root.querySelectorAll("tr[data-candidacy]")];
}

export function body() {
  return document.querySelector("[data-rows]");
}
