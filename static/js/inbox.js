// The message center on the page follows the notices: it shows what has arrived, and what was closed is no longer new.
const inbox = () => document.getElementById("inbox");
let soon;

document.addEventListener("examhall:inbox-changed", () => {
  clearTimeout(soon);
  soon = setTimeout(() => {
    if (inbox()) htmx.ajax("GET", inbox().dataset.address, { source: inbox(), target: "#inbox", swap: "outerMorph" });
  }, 300);
});
