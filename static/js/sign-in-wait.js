// After too many tries: how long until the next one counts, by the server's clock.
import { serverNow } from "./server-clock.js";

const wait = document.querySelector("[data-wait]");
const shown = wait.querySelector("[data-wait-left]");

function draw() {
  const seconds = Math.ceil((Number(wait.dataset.wait) - serverNow()) / 1_000);
  shown.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  wait.hidden = seconds <= 0;
  document.querySelector("[data-wait-over]").hidden = seconds > 0;
  if (seconds > 0) setTimeout(draw, 1_000);
}

draw();
