// The remaining time: hours and minutes, with seconds in the last five minutes. A person can hide it in this tab. It
// announces 15, 5 and 1 minute and the end once each, on the page and to screen readers, and only what is true.
import { keep, read } from "./person-storage.js";
import { isTrusted, serverNow } from "./server-clock.js";
import { sittingOf } from "./sittings.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const ANNOUNCED_AT = [15, 5, 1];
const LATE = 10_000;
const STAYS = 20_000;
const HIDDEN = "countdown.hidden";
const ANNOUNCED = "countdown.said";
const box = document.querySelector("[data-countdown]");

// It is drawn every second, and what is the same stays, with what a person has marked in it.
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

class Countdown {
  constructor(element) {
    this.element = element;
    this.test = element.dataset.countdown;
    this.value = element.querySelector("[data-countdown-value]");
    this.word = element.querySelector("[data-countdown-word]");
    this.until = element.querySelector("[data-countdown-until]");
    this.toggle = element.querySelector("[data-countdown-toggle]");
    this.toggleWords = element.querySelector("[data-countdown-toggle-words]");
    this.isHidden = read(HIDDEN) === true;
    this.toggle.addEventListener("click", () => this.turn());
    element.hidden = false;
    this.begin();
    this.draw();
    document.addEventListener("examhall:sitting", ({ detail }) => {
      if (detail.test !== this.test) return;
      this.changed(detail);
      this.draw(); // at once, because after the end it is drawn only every second
    });
  }

  get left() {
    return sittingOf(this.test).endsAt - serverNow();
  }

  // A mark that passed before the page was opened is not announced, unless it passed during a reload.
  begin() {
    const { endsAt, place } = sittingOf(this.test);
    const last = read(ANNOUNCED);
    const isAnnounced = (minutes) => last?.endsAt === endsAt && last.minutes <= minutes;
    this.end = endsAt;
    this.place = place;
    this.due = ANNOUNCED_AT.filter((minutes) => this.left > minutes * MINUTE - LATE && !isAnnounced(minutes));
  }

  changed({ now, before, endsAt, place }) {
    const { textEnded, textMore, textPaused, textPlace, textResumed } = this.element.dataset;
    if (place !== this.place) {
      this.place = place;
      if (place) this.say(textPlace.replace("{place}", place));
    }
    if (endsAt !== this.end) {
      const had = this.end;
      this.end = endsAt;
      this.due = ANNOUNCED_AT.filter((minutes) => this.left > minutes * MINUTE);
      if (had && now === "writing") this.say(textMore.replace("{time}", this.face(this.left)));
    }
    if (!before || before === now) return;
    if (now === "time_up") this.say(textEnded);
    else if (now === "paused") this.say(textPaused);
    else if (before === "paused" && now === "writing") this.say(textResumed);
  }

  draw() {
    const left = this.left;
    this.announce(left);
    write(this.value, this.face(left));
    this.element.classList.toggle("is-hidden", this.isHidden && left > 0);
    this.element.classList.toggle("is-short", left <= 5 * MINUTE);
    const { textShow, textHide, textUntil, textUntilPaused } = this.element.dataset;
    const { now, until } = sittingOf(this.test);
    write(this.toggleWords, this.isHidden ? textShow : textHide);
    this.element.classList.toggle("is-paused", now === "paused");
    write(this.until, left > 0 ? (now === "paused" ? textUntilPaused : textUntil).replace("{time}", until) : "");
    this.toggle.hidden = left <= 0;
    clearTimeout(this.next);
    this.next = setTimeout(() => this.draw(), left > 0 ? (left % SECOND) + 5 : SECOND);
  }

  face(left) {
    const { textHours, textMinutes, textUp } = this.element.dataset;
    if (left <= 0) return textUp;
    const seconds = Math.ceil(left / SECOND);
    const two = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(seconds / 60);
    if (seconds <= 300) return textMinutes.replace("{time}", `${minutes}:${two(seconds % 60)}`);
    return textHours.replace("{time}", `${Math.floor(minutes / 60)}:${two(minutes % 60)}`);
  }

  announce(left) {
    if (!isTrusted()) return;
    const passed = this.due.filter((minutes) => left <= minutes * MINUTE);
    if (!passed.length) return;
    this.due = this.due.filter((minutes) => !passed.includes(minutes));
    const minutes = Math.min(...passed);
    keep(ANNOUNCED, { endsAt: this.end, minutes });
    if (left > 0 && sittingOf(this.test).now !== "time_up") this.say(this.leftIn(minutes, left));
  }

  leftIn(minutes, left) {
    const words = this.element.dataset;
    const isExact = left > minutes * MINUTE - LATE;
    if (minutes === 1) return isExact ? words.textLeftOne : words.textLessOne;
    return (isExact ? words.textLeftMany : words.textLessMany).replace("{n}", minutes);
  }

  say(text) {
    clearTimeout(this.quiet);
    this.word.textContent = text;
    this.element.classList.add("is-saying");
    this.quiet = setTimeout(() => {
      this.word.textContent = "";
      this.element.classList.remove("is-saying");
    }, STAYS);
  }

  turn() {
    this.isHidden = !this.isHidden;
    keep(HIDDEN, this.isHidden);
    this.draw();
  }
}

if (box) new Countdown(box);
