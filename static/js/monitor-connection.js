// Says when the list was last good, and that it no longer is: no connection, signed out, nothing open any more.
import { isRefresh } from "./monitor-rows.js";

const monitor = document.getElementById("monitor");
const shown = document.querySelector("[data-updated]");
const place = document.querySelector("[data-connection]");
const box = place.querySelector("[data-connection-box]");
const time = new Intl.DateTimeFormat("en-GB", { timeZone: shown.dataset.zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const AWAY = [502, 503, 504];
let unanswered = null;

function concerns(ctx) {
  return ctx?.sourceElement && (isRefresh(ctx) || monitor.contains(ctx.sourceElement));
}

function good(ctx) {
  // the server's clock, as everywhere else on the page
  const date = ctx.response.headers.get("Date");
  if (date) shown.textContent = time.format(new Date(date));
  box.hidden = true;
  document.body.classList.remove("is-stale");
  if (isRefresh(ctx)) document.getElementById("monitor-problem").replaceChildren();
  const again = isRefresh(ctx) ? unanswered : null;
  unanswered = null;
  if (again?.isConnected) again.requestSubmit();
}

function bad(reason) {
  for (const part of box.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(reason);
  box.querySelector("[data-last-good]").textContent = shown.textContent;
  box.hidden = false;
  document.body.classList.add("is-stale");
}

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (!concerns(ctx)) return;
  const status = ctx.response.status;
  if (status < 400) {
    if (isRefresh(ctx) || ctx.target?.id === "candidates") good(ctx);
  } else if (AWAY.includes(status)) noAnswer(ctx);
  else if (isRefresh(ctx)) bad(["400", "401", "403"].includes(`${status}`) ? `${status}` : "other");
});

document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail;
  if (concerns(ctx) && !ctx.response) noAnswer(ctx);
});

// What was asked of the filters meanwhile is asked again once the server answers.
function noAnswer(ctx) {
  if (ctx.sourceElement.matches("[data-filter-form]")) unanswered = ctx.sourceElement;
  bad("away");
}

// The count in words for screen readers, when the person changed the list; not at every refresh.
document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  if (isRefresh(ctx) || ctx.target?.id !== "candidates") return;
  document.querySelector("[data-announce]").textContent = document.getElementById("candidate-count").textContent;
});
