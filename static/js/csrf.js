// Every HTMX request carries the page's CSRF token, and not its address: a monitor's may be longer than a header may be.
// An answer that brings a newer one (after signing in again in
// another tab) renews it in the page, so that pressing the same button once more works.
const meta = document.querySelector('meta[name="csrf-token"]');

export function token() {
  return meta.content;
}

export function renew(fresh) {
  if (!fresh) return;
  meta.content = fresh;
  for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = fresh;
}

document.addEventListener("htmx:config:request", (event) => {
  const { headers } = event.detail.ctx.request;
  headers["X-CSRFToken"] = token();
  delete headers["HX-Current-URL"];
});
document.addEventListener("htmx:after:request", (event) => {
  renew(event.detail.ctx.response?.headers?.get("X-CSRF-Token"));
});
