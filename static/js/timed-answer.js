// An answer that closes at the candidate's end, and in a pause. Text typed before is sent at once, and again until the
// server no longer takes it. Text typed after the end is not taken, and the page says which text counts (R25). Text that
// a pause leaves unsaved stays, and is saved when the test continues (R28).
import { paragraph, readOnlyText } from "./answer-box.js";
import { Answer } from "./answer.js";
import { drop, keep } from "./drafts.js";
import { serverNow } from "./server-clock.js";
import { heardOfPause } from "./sittings.js";

const ANSWER_WITHIN = 4_000;
const OLDER_WITHIN = 2_000;
const TRIES_APART = 700;
const PATIENT_TRIES = 20;

export class TimedAnswer extends Answer {
  deadline = null; // until when the server takes text typed before the end; null before the end
  isLate = false; // the deadline has passed: unsaved text does not count
  isPaused = false; // saves are closing ones, which the server takes shortly after the pause began
  isClosing = false; // whether the last one was
  atLock = this.field.value;
  found = null;

  get isUnsaved() {
    return !this.isLate && super.isUnsaved;
  }

  get isLocked() {
    return this.field.readOnly;
  }

  get answerWithin() {
    return this.deadline || this.isPaused ? ANSWER_WITHIN : super.answerWithin;
  }

  get pause() {
    return this.deadline || this.isPaused ? 0 : super.pause;
  }

  get retryIn() {
    return this.deadline || this.isPaused ? TRIES_APART * Math.max(1, this.failures - PATIENT_TRIES) : super.retryIn;
  }

  fields(text) {
    this.isClosing = this.isPaused;
    return this.isPaused ? { ...super.fields(text), closing: "pause" } : super.fields(text);
  }

  typed() {
    if (this.isLocked) this.field.value = this.atLock; // text that an input method or a drop adds after the end
    else super.typed();
  }

  lock() {
    if (this.isLocked) return;
    this.atLock = this.field.value;
    this.field.readOnly = true;
    this.#showButton(false);
    this.#allowFound(false);
  }

  // Focus and caret stay where they are, for when the test continues.
  interrupt() {
    this.lock();
    if (this.isPaused) return;
    this.isPaused = true;
    if (!this.isUnsaved) {
      this.showSaved(this.savedWords);
      return;
    }
    this.keepDraft();
    if (this.sending) this.#giveUpOn(this.attempt);
    if (this.stuck) this.show(this.texts.textPausedUnsaved, "failed"); // the person has to choose or to shorten first
    else this.show(this.texts.textPausing, "saving");
    this.saveNow();
  }

  // There is more time, the pause has ended, or the candidate is back in the test.
  open() {
    if (!this.isLocked && !this.isPaused) return;
    this.field.readOnly = this.isPaused = false;
    this.failures = 0;
    this.#showButton(true);
    this.#allowFound(true);
    if (this.deadline) this.#forgetTheEnd();
    if (this.stuck && this.problem.dataset.reason !== "changed") this.#tryOnceMore();
    if (this.found) this.offer(this.found);
    this.found = null;
    if (this.stuck) this.show(this.texts.textTyping, "failed");
    else if (this.isUnsaved) this.saveNow();
    else this.showSaved(this.savedWords);
  }

  // What was refused in another state of the test, such as after a withdrawal.
  #tryOnceMore() {
    this.stuck = false;
    this.problem.replaceChildren();
  }

  take(text, ...rest) {
    super.take(text, ...rest);
    this.atLock = this.field.value;
  }

  #forgetTheEnd() {
    clearTimeout(this.patience);
    if (this.isLate) this.#tryOnceMore();
    this.deadline = null;
    this.isLate = false;
    this.failures = 0;
  }

  // The end has come; `deadline` is by the server's clock.
  end(deadline) {
    this.lock();
    this.isPaused = false;
    if (this.deadline === deadline) return;
    this.deadline = deadline;
    if (!this.isUnsaved) {
      this.showSaved(this.savedWords);
      return;
    }
    this.keepDraft();
    if (this.sending && this.tried !== this.field.value) this.#giveUpOn(this.attempt);
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.settle(), Math.max(0, deadline - serverNow()) + ANSWER_WITHIN);
    super.show(this.texts.textClosing, "saving");
    this.saveNow();
  }

  // Text typed before the end did not arrive. `isConfirmed`: the server has said which text it has.
  settle(isConfirmed = false) {
    if (!super.isUnsaved) return;
    clearTimeout(this.timer);
    clearTimeout(this.patience);
    this.stuck = this.isLate = true;
    const { textLate, textLateWhy, textLateUnknown, textLateNothing, textLateLabel } = this.texts;
    const counts = this.saved.trim() ? readOnlyText(textLateLabel, this.saved) : paragraph(textLateNothing);
    const unknown = isConfirmed ? [] : [paragraph(textLateUnknown)];
    this.explain([paragraph(textLateWhy), ...unknown, counts], "time_up");
    super.show(textLate, "failed");
    if (!isConfirmed) document.dispatchEvent(new CustomEvent("examhall:what-counts"));
  }

  refused(status, words) {
    const reason = words?.dataset.reason;
    if (reason === "paused" && !this.isClosing) {
      this.interrupt(); // this is how the page hears of it
      this.schedule(0);
      heardOfPause(this.texts.test);
    } else if (reason === "paused") {
      this.show(this.texts.textPausedUnsaved, "failed"); // until the test continues
    } else if (this.deadline && reason === "time_up") {
      this.settle();
    } else {
      super.refused(status, words);
    }
  }

  failed(text, signIn) {
    super.failed(this.isPaused && !signIn ? this.texts.textPausedUnsaved : text, signIn);
  }

  // Until the deadline the words are those of the end.
  show(text, state) {
    if (!this.deadline || this.isLate) super.show(text, state);
  }

  showSaved(words) {
    super.showSaved(words);
    if (words.dataset.answerState !== "saved") return;
    if (this.isPaused) this.state.append(" · ", this.texts.textPaused);
    else if (this.deadline) this.state.append(" · ", this.texts.textCounts);
  }

  learn(text, version, words) {
    if (!this.isLate) {
      super.learn(text, version, words);
      this.atLock = this.field.value;
      return;
    }
    this.saved = text;
    this.base = version;
    this.savedWords = words;
    if (super.isUnsaved) {
      this.settle(true);
      return;
    }
    this.isLate = false;
    this.problem.replaceChildren();
    drop(this.person, this.question);
    this.showSaved(words);
  }

  // Text of a closed page may still be in time, because it was typed before the end.
  restore(draft) {
    if (!this.isLocked || draft.text === this.field.value) {
      super.restore(draft);
      return;
    }
    const builtOnThis = draft.base === this.base || draft.tried === this.saved;
    if (builtOnThis && !this.isUnsaved && this.isPaused) {
      this.field.value = this.atLock = draft.text;
      this.isPaused = false;
      this.interrupt();
    } else if (builtOnThis && !this.isUnsaved && this.deadline && serverNow() < this.deadline) {
      const { deadline } = this;
      this.field.value = this.atLock = draft.text;
      this.deadline = null;
      this.end(deadline);
    } else {
      this.found = draft.text;
      keep(this.person, this.question, draft);
      const words = this.deadline ? this.texts.textLockedFound : this.texts.textFound;
      this.explain([paragraph(words), readOnlyText(this.texts.textFoundLabel, draft.text)], "found");
    }
  }

  // An older text is being sent: the last one follows soon, without waiting long for that request.
  #giveUpOn(attempt) {
    setTimeout(() => attempt.abort(), OLDER_WITHIN);
  }

  // Found text can be put into the field only while it is open. Until then it stays to be read.
  #allowFound(isOpen) {
    if (this.problem.dataset.reason !== "found") return;
    for (const button of this.problem.querySelectorAll("button")) button.disabled = !isOpen;
  }

  #showButton(isShown) {
    this.form.querySelector("[data-save-button]").hidden = !isShown;
  }
}
