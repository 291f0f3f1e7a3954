// What the modules that look after a refresh share: which swap is one, and the rows on the page.
export function isRefresh(ctx) {
  return ctx?.sourceElement?.id === "refresher";
}

export function rowsIn(root) {
  return [...root.querySelectorAll("tr[data-candidacy]")];
}

export function body() {
  return document.querySelector("[data-rows]");
}
