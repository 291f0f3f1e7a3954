// Times of a sitting that depend on the moment or the device: how long until the start, and the zone where the device
// has another one.
import { serverNow } from "./server-clock.js";
import { sittingOf } from "./sittings.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const two = (number) => String(number).padStart(2, "0");
let timer;

// Minutes and seconds in the last hour, hours and minutes before; nothing when it is days off.
function face(left) {
  const seconds = Math.ceil(left / 1_000);
  if (left < HOUR) return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
  const minutes = Math.ceil(left / MINUTE);
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)} h`;
}

function count() {
  clearTimeout(timer);
  const lefts = [...document.querySelectorAll("[data-starts-in]")].map((element) => {
    const { startsAt } = sittingOf(element.closest("[data-sitting]").dataset.sitting);
    const left = startsAt - serverNow();
    const text = left > 0 && left < DAY ? element.dataset.text.replace("{time}", face(left)) : "";
    if (element.textContent !== text) element.textContent = text;
    return left;
  });
  const next = Math.min(...lefts.filter((left) => left > 0));
  if (next < DAY) timer = setTimeout(count, (next % 1_000) + 5);
}

function showZones() {
  for (const element of document.querySelectorAll("[data-zone]")) {
    const time = element.parentElement.querySelector("time:last-of-type").dateTime;
    const [, sign, hours, minutes] = time.match(/([+-])(\d\d):(\d\d)$/);
    const offset = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
    element.classList.toggle("is-other", new Date(time).getTimezoneOffset() !== -offset);
  }
}

function show() {
  count();
  showZones();
}

document.addEventListener("examhall:sitting", () => queueMicrotask(show));
show();
