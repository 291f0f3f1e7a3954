// Every request of htmx carries the page's CSRF token. A response with a newer one (after a new sign-in in another tab)
// renews it in the page, so that pressing the same button once more works. The page's address is not sent: with a long
// filter it is longer than a header may be.
const meta = document.querySelector('meta[name="csrf-token"]');

export function token() {
  return meta.content;
}

export function renew(value) {
  if (!value) return;
  meta.content = value;
  for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = value;
}

document.addEventListener("htmx:config:request", (event) => {
  const { headers } = event.detail.ctx.request;
  headers["X-CSRFToken"] = token();
  delete headers["HX-Current-URL"];
});
document.addEventListener("htmx:after:request", (event) => {
  renew(event.detail.ctx.response?.headers?.get("X-CSRF-Token"));
});
