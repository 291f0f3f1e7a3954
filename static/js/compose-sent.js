// After a sending the sheet closes, and the quiet bar tells of it; the list asks for the marks of its rows at once.
import { ask } from "./monitor-view.js";
import { showQuietly } from "./quiet-bar.js";

const SHOWN_FOR = 20;
const dialog = document.getElementById("compose");

document.addEventListener("htmx:after:swap", () => {
  const sent = dialog.querySelector("[data-sent]");
  if (!sent) return;
  const words = sent.querySelector(".sent-words");
  dialog.close();
  dialog.replaceChildren();
  showQuietly(words, SHOWN_FOR);
  ask({ anew: true });
});
