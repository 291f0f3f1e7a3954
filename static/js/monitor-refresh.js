// Asks for a fresh list every five seconds while the page can be seen; a request of the person goes first (hx-sync).
const EVERY = 5000;

function refresh() {
  if (document.visibilityState === "visible") htmx.trigger("#refresher", "monitor:refresh");
}

setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
addEventListener("online", refresh);
