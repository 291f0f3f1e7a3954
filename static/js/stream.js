// The connection to the server: htmx's hx-sse reads the stream; when and how often to try again is decided here.
// hx-sse does not try again where the first connect fails, and stops for nobody else: so it reconnects never, and this
// does always, for ever, also through 5xx (trap 5). Beats that stop mean a dead line, though no error says so (trap 6).
import { ownFetch } from "./own-answers.js";
import { backoff, post } from "./post.js";

const SILENCE = 40_000;
const WATCH_EVERY = 5_000;
const POLL_EVERY = 5_000;
const STREAM_AGAIN = 60_000;
const LONGEST_WAIT = 10_000;
const STREAMS_PER_BROWSER = 2;
const about = (milliseconds) => milliseconds * (0.8 + Math.random() * 0.4);

export class Connection {
  #element;
  #handlers;
  #connection = null;
  #connecting = false;
  #heard = 0;
  #beats = 0;
  #attempt = 0;
  #retry;
  #polls;
  #polling = false;
  #fetching = false;
  #returnIn = null;
  #id = Math.random();
  #newer = new Set();
  #tabs = new BroadcastChannel("examhall-streams");

  // handlers: message(event), closed(ids), stillOpen(ids), signedOut(), ended(), state(word), pollBegins() → snapshot, polled(list, snapshot)
  constructor(element, handlers) {
    this.#element = element;
    this.#handlers = handlers;
    const on = (name, listener) => element.addEventListener(name, listener);
    on("htmx:sse:after:connection", (event) => this.#opened(event.detail.connection));
    on("htmx:sse:before:message", (event) => this.#hear(event));
    on("htmx:sse:close", () => this.#ended());
    on("htmx:before:request", () => (this.#connecting = true));
    on("htmx:finally:request", (event) => this.#answered(event.detail.ctx.response?.status));
    on("beat", () => this.#beat());
    on("poll", () => this.#startPolling());
    on("restart", (event) => (this.#returnIn = Number(event.detail.data)));
    on("closed", (event) => handlers.closed(event.detail.data.split(",")));
    on("still-open", (event) => handlers.stillOpen(event.detail.data.split(",")));
    on("signed-out", () => handlers.ended());
    this.#tabs.addEventListener("message", (event) => this.#hearTab(event.data));
    addEventListener("pagehide", () => this.#tabs.postMessage({ ended: this.#id }));
    addEventListener("online", () => this.#restart());
    addEventListener("offline", () => handlers.state("lost"));
    document.addEventListener("visibilitychange", () => document.hidden || this.#seen());
    setInterval(() => this.#watch(), WATCH_EVERY);
    setTimeout(() => this.#begin());
  }

  // htmx begins a moment after its own script has run, which can be before hx-sse is there: then it has overlooked it.
  #begin() {
    if (!this.#element.hasAttribute("data-htmx-powered")) htmx.process(this.#element);
    this.#connect();
  }

  #opened(connection) {
    this.#connection = connection;
    this.#heard = Date.now();
    this.#beats = 0;
    this.#polling = false;
    clearTimeout(this.#polls);
    clearTimeout(this.#retry);
    this.#handlers.state("live");
    this.#newer.clear();
    this.#tabs.postMessage({ opened: this.#id });
  }

  // The server keeps a person's two newest streams, but only among those of one process. A browser opens six connections
  // per host, whichever process answers: so its tabs count too, and the third newest polls (trap 9).
  #hearTab({ opened, ended }) {
    this.#newer.delete(ended);
    if (!opened || !this.#connection) return;
    this.#newer.add(opened);
    if (this.#newer.size >= STREAMS_PER_BROWSER) {
      this.#startPolling();
      this.#cut();
    }
  }

  #hear(event) {
    this.#heard = Date.now();
    this.#attempt = 0;
    if (!event.detail.message.event) this.#handlers.message(event);
  }

  // Answering beats, not a timer, says that this page is there: browsers slow timers down in background tabs (R21).
  #beat() {
    this.#beats += 1;
    if (this.#beats % 2 === 0) this.#ping();
  }

  async #ping() {
    try {
      const answer = await post(this.#element.dataset.ping, {}, { signal: AbortSignal.timeout(10_000) });
      if (answer.status === 401) this.#signedOut();
    } catch {
      // no answer: the stream itself is watched, and the next beat brings the next ping
    }
  }

  #ended() {
    this.#connection = null;
    this.#tabs.postMessage({ ended: this.#id });
    if (!this.#polling) this.#tryAgain(this.#returnIn ?? about(600));
    this.#returnIn = null;
  }

  #answered(status) {
    this.#connecting = false;
    if (!this.#connection) this.#refused(status);
  }

  #refused(status) {
    if (status === 401) {
      this.#signedOut();
    } else if (status === 503) {
      this.#startPolling(STREAM_AGAIN);
    } else if (this.#polling) {
      this.#tryAgain(about(STREAM_AGAIN));
    } else {
      this.#handlers.state("lost");
      this.#poll();
      this.#tryAgain(backoff(this.#attempt++, 1_000, LONGEST_WAIT));
    }
  }

  // Where the page stays (something on it is not saved), go on asking: its person may sign in again in another tab.
  #signedOut() {
    this.#polling = false;
    clearTimeout(this.#polls);
    this.#handlers.signedOut();
    this.#tryAgain(about(LONGEST_WAIT));
  }

  #tryAgain(wait) {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #connect() {
    if (!this.#connection && !this.#connecting) this.#element.dispatchEvent(new CustomEvent("notices:connect"));
  }

  #restart() {
    this.#attempt = 0;
    if (this.#connection) this.#cut();
    else this.#connect();
  }

  // Ends the stream from this side; hx-sse then reports its close.
  #cut() {
    if (this.#connection.reader) this.#connection.reader.cancel();
    else this.#connection.abortController.abort();
  }

  #watch() {
    if (!this.#connection) return;
    const silent = Date.now() - this.#heard;
    if (silent > SILENCE) this.#cut();
    else if (silent < 0) this.#heard = Date.now(); // the clock was set back
  }

  #seen() {
    this.#watch();
    if (this.#polling) this.#connect();
  }

  #startPolling(streamAfter) {
    clearTimeout(this.#retry);
    if (streamAfter) this.#tryAgain(about(streamAfter));
    if (this.#polling) return;
    this.#polling = true;
    this.#pollOn();
  }

  async #pollOn() {
    await this.#poll();
    clearTimeout(this.#polls);
    if (this.#polling) this.#polls = setTimeout(() => this.#pollOn(), about(POLL_EVERY));
  }

  async #poll() {
    if (this.#fetching) return;
    this.#fetching = true;
    const snapshot = this.#handlers.pollBegins();
    const list = await this.#openNotices();
    this.#fetching = false;
    if (list) this.#handlers.polled(list, snapshot);
    if (this.#polling) this.#handlers.state(list ? "polling" : "lost");
  }

  async #openNotices() {
    try {
      const answer = await ownFetch(this.#element.dataset.poll, {
        headers: { "HX-Request": "true" },
        cache: "no-store",
        signal: AbortSignal.timeout(10_000),
      });
      if (answer.status === 401) this.#signedOut();
      if (!answer.ok) return null;
      return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-notices]");
    } catch {
      return null; // no network, or no answer in time: shown as lost by the caller, and asked again
    }
  }
}
