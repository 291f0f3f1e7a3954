// The words for a moment on the hall display, as webapp/monitor/display.py has them.
import { clockOf } from "./browser-parts.js";

const MINUTE = 60_000;
const CLOCKS_GO_BACK = [30, 60, 120].map((minutes) => minutes * MINUTE); // by so much, depending on the zone

// The clock of a zone: the time of day of a moment, and while that comes twice its offset, such as "UTC+2".
export function hallClock(zone) {
  const clock = clockOf(zone, { hour: "2-digit", minute: "2-digit" });
  const offset = clockOf(zone, { timeZoneName: "shortOffset" });
  const isRepeated = (now) => CLOCKS_GO_BACK.some((gap) => [now - gap, now + gap].some((other) => clock.format(other) === clock.format(now)));
  const nameOf = (now) => offset.formatToParts(now).find((part) => part.type === "timeZoneName").value;
  return {
    time: (now) => clock.format(now),
    offset: (now) => (isRepeated(now) ? nameOf(now).replace("GMT", "UTC") : ""),
  };
}

// How long it is until an end, in the words that the page has for it.
export function timeLeft(end, now, words) {
  if (end <= now) return words.textUp;
  const minutes = Math.ceil((end - now) / MINUTE);
  const text = minutes < 60 ? words.textMinutes : words.textHours.replace("{h}", Math.floor(minutes / 60));
  return text.replace("{m}", minutes % 60);
}
