// The message center on the same page follows the notices: what has arrived stands in it, what was closed is not new.
const inbox = () => document.getElementById("inbox");
let soon;

document.addEventListener("examhall:inbox-changed", () => {
  clearTimeout(soon);
  soon = setTimeout(() => {
    if (inbox()) htmx.ajax("GET", "/inbox", { source: inbox(), target: "#inbox", swap: "outerMorph" });
  }, 300);
});
