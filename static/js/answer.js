// One answer: the typed text, the saved text, and saving in between. There is one request at a time, the newest text
// wins, and a field with unsaved text is never changed.
import { explain, newTabLink, paragraph, readOnlyText } from "./answer-box.js";
import { drop, keep } from "./drafts.js";
import { post } from "./post.js";
import { backoff } from "./retry.js";
import { atLeast } from "./server-clock.js";
import { tell } from "./tabs.js";

const QUIET = 1_000;
const LONGEST_WAIT = 5_000;
const DRAFT_EVERY = 300;
const KEEPALIVE_BYTES = 60_000;
const ANSWER_WITHIN = 15_000;
const LONGEST_RETRY = 30_000;
// Statuses that a retry does not help with. Typing can (a shorter text), or the person's choice.
const FINAL = [404, 409, 413, 422];

export class Answer {
  constructor(form, texts) {
    this.form = form;
    this.texts = texts;
    this.field = form.querySelector("[data-answer-text]");
    this.question = form.dataset.answer;
    this.person = form.elements.person.value;
    this.saved = this.field.value;
    this.tried = null;
    this.sending = null;
    this.failures = 0;
    this.stuck = false;
    this.since = 0;
    this.state = form.querySelector("[data-save-state]");
    this.savedWords = this.state.querySelector("[data-answer-state]");
    this.problem = form.querySelector("[data-answer-problem]");
    this.field.addEventListener("input", () => this.typed());
    this.field.addEventListener("blur", () => this.saveNow());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.stuck = false;
      this.saveNow();
    });
  }

  get isUnsaved() {
    return this.field.value !== this.saved;
  }

  // How long to wait after a save when more was typed meanwhile.
  get pause() {
    return QUIET;
  }

  get answerWithin() {
    return ANSWER_WITHIN;
  }

  get retryIn() {
    return backoff(this.failures, LONGEST_RETRY);
  }

  typed() {
    if (!this.isUnsaved) {
      this.undone();
      return;
    }
    this.since ||= performance.now();
    this.stuck = this.stuck && this.problem.dataset.reason === "changed";
    if (!this.failures) this.show(this.texts.textTyping, "typing");
    this.draftTimer ??= setTimeout(() => this.keepDraft(), DRAFT_EVERY);
    if (this.failures) return; // a retry is scheduled
    this.schedule(Math.min(QUIET, Math.max(0, this.since + LONGEST_WAIT - performance.now())));
  }

  // The text was changed back to the saved one.
  undone() {
    if (this.sending) return; // another text is being sent; the end of that request updates the state
    clearTimeout(this.timer);
    this.failures = 0;
    drop(this.person, this.question);
    this.showSaved(this.savedWords);
  }

  schedule(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), wait);
  }

  saveNow() {
    clearTimeout(this.timer);
    return this.isUnsaved ? this.save() : Promise.resolve();
  }

  keepDraft() {
    clearTimeout(this.draftTimer);
    this.draftTimer = null;
    const { value } = this.field;
    if (this.isUnsaved) keep(this.person, this.question, { text: value, base: this.base, tried: this.tried });
  }

  get base() {
    return this.form.elements.base.value;
  }

  set base(version) {
    this.form.elements.base.value = version;
  }

  // One request at a time: a call during a request gets the end of that request. Text typed meanwhile is sent after it.
  save() {
    if (this.stuck || !this.isUnsaved) return Promise.resolve();
    this.sending ??= this.send().finally(() => (this.sending = null));
    return this.sending;
  }

  async send() {
    clearTimeout(this.timer);
    const text = this.field.value;
    this.tried = text;
    this.since = 0;
    this.keepDraft();
    if (!this.failures) this.show(this.texts.textSaving, "saving");
    this.attempt = new AbortController();
    const patience = setTimeout(() => this.attempt.abort(), this.answerWithin);
    try {
      const keepalive = document.hidden && text.length * 4 < KEEPALIVE_BYTES;
      const answer = await post(this.form.action, this.fields(text), { keepalive, signal: this.attempt.signal });
      const receivedAt = performance.now();
      const words = this.read(await answer.text());
      if (answer.ok && words) this.stored(text, words, receivedAt);
      else this.refused(answer.status, words);
    } catch {
      this.failed(this.texts.textUnsaved); // no network, or no answer in time
    } finally {
      clearTimeout(patience);
    }
  }

  fields(text) {
    return { text, person: this.person, base: this.base };
  }

  read(html) {
    return new DOMParser().parseFromString(html, "text/html").querySelector("[data-answer-state]");
  }

  stored(text, words, receivedAt) {
    const { version } = words.dataset;
    atLeast(Number(version) / 1_000, receivedAt); // a version is the server's time in microseconds
    this.accept(text, version);
    if (this.failures) this.problem.replaceChildren();
    this.failures = 0;
    tell("saved", { question: this.question, text, version: this.base, words: words.outerHTML });
    if (this.isUnsaved) this.schedule(this.pause);
    else this.showSaved(words);
  }

  accept(text, version) {
    this.saved = text;
    this.base = version;
    this.tried = null;
    if (this.isUnsaved) this.keepDraft();
    else drop(this.person, this.question);
  }

  showSaved(words) {
    this.savedWords = words;
    this.since = 0;
    clearTimeout(this.draftTimer);
    this.draftTimer = null;
    this.state.dataset.state = "saved";
    this.state.replaceChildren(document.importNode(words, true));
  }

  refused(status, words) {
    const reason = words?.dataset.reason;
    if (reason === "changed") {
      this.changed(words);
    } else if (status === 401) {
      this.failed(this.texts.textSignedOut, true);
    } else if (reason === "paused" || !FINAL.includes(status)) {
      this.failed(words ? words.textContent.trim() : this.texts.textUnsaved);
    } else {
      this.stuck = true;
      this.explain(words ? [document.importNode(words, true)] : [this.texts.textTooLarge], reason ?? String(status));
      this.show(this.texts.textTyping, "failed");
    }
  }

  failed(text, signIn = false) {
    this.failures += 1;
    this.show(text, "failed");
    if (signIn) this.state.append(" ", newTabLink(this.texts.signIn, this.texts.textSignIn));
    this.schedule(this.retryIn);
  }

  // Another tab or computer saved this answer. If its text is one that this page sent without hearing the answer, it is
  // this page's own. Otherwise the person chooses.
  changed(words) {
    const theirs = words.querySelector("[data-stored]").value;
    if (theirs === this.tried || theirs === this.saved || theirs === this.lost) {
      this.base = words.dataset.version;
      this.schedule(0);
      return;
    }
    this.stuck = true;
    this.base = words.dataset.version;
    const use = () => this.take(theirs, words.dataset.version);
    this.explain([document.importNode(words, true)], "changed", [
      [this.texts.textMine, () => this.insist()],
      [this.texts.textTheirs, use],
    ]);
    this.show(this.texts.textTyping, "failed");
  }

  insist() {
    this.stuck = false;
    this.problem.replaceChildren();
    this.saveNow();
  }

  // Put a text of the server into the field. The caret stays where it was, if the text is long enough.
  take(text, version, words = null) {
    const { selectionStart, selectionEnd } = this.field;
    this.field.value = text;
    this.field.setSelectionRange(Math.min(selectionStart, text.length), Math.min(selectionEnd, text.length));
    this.stuck = false;
    this.failures = 0;
    clearTimeout(this.timer);
    this.problem.replaceChildren();
    this.accept(text, version);
    if (words) this.showSaved(words);
    else this.show("", "saved");
  }

  // A text from another tab, or from the server when this tab becomes visible. Taken only if nothing is unsaved here.
  learn(text, version, words) {
    if (Number(version) <= Number(this.base)) return;
    if (this.field.value === text) {
      this.accept(text, version);
      this.showSaved(words);
    } else if (!this.isUnsaved) {
      this.take(text, version, words);
    }
  }

  // Text that a closed or crashed page left behind.
  restore(draft) {
    if (draft.text === this.field.value) return;
    const builtOnThis = draft.base === this.base || draft.tried === this.saved;
    if (builtOnThis && !this.isUnsaved) this.putBack(draft.text);
    else this.offer(draft.text);
  }

  putBack(text) {
    this.field.value = text;
    this.explain([this.texts.textRestored], "restored");
    this.typed();
  }

  offer(text) {
    this.explain([paragraph(this.texts.textFound), readOnlyText(this.texts.textFoundLabel, text)], "found", [
      [this.texts.textUse, () => this.putBack(text)],
      [this.texts.textDiscard, () => this.problem.replaceChildren()],
    ]);
  }

  explain(parts, reason, choices) {
    explain(this.problem, parts, reason, choices);
  }

  show(text, state) {
    if (this.state.dataset.state === state && this.state.textContent === text) return;
    this.state.dataset.state = state;
    this.state.textContent = text;
  }

  // The page is closing. A text that fits into a request that outlives the page is sent; the draft keeps the rest for
  // the next page. Without `base` it wins over a save that is under way, whichever arrives first.
  leave() {
    if (!this.isUnsaved || this.stuck) return;
    this.lost = this.field.value;
    this.keepDraft();
    const text = this.field.value;
    if (text.length * 4 > KEEPALIVE_BYTES) return;
    const fields = this.fields(text);
    if (this.sending) delete fields.base;
    // the next page has the draft, and sees whether it arrived
    post(this.form.action, fields, { keepalive: true }).catch(() => {});
  }
}
