// The connection to the server. htmx's hx-sse reads the stream, and this class reconnects for ever, also through 5xx:
// hx-sse would not reconnect after a failed first attempt (trap 5). Beats that stop mean a dead connection, even without
// an error (trap 6). A proxy may pass on a stream's headers and hold back its body, so a stream counts as live after its
// first beat. Until then, and whenever the stream is quiet, the page polls.
import { channel, timeLimit } from "./browser-parts.js";
import { fetchFragment } from "./own-answers.js";
import { post } from "./post.js";
import { ANSWER_WITHIN, FIRST_RETRY, backoff, jitter } from "./retry.js";

const QUIET = 20_000;
const SILENCE = 40_000;
const WATCH_EVERY = 2_500;
const POLL_EVERY = 5_000;
const STREAM_AGAIN = 60_000;
const LONGEST_WAIT = 10_000;
const STREAMS_PER_BROWSER = 2;

export class Connection {
  #element;
  #handlers;
  #connection = null;
  #connecting = null; // htmx's context of a request for a stream without a response yet
  #heard = 0;
  #beats = 0;
  #attempt = 0; // streams in a row that ended before a second beat
  #mute = 0; // those of them that were quiet instead of ending: the next stream is live after two beats
  #retry;
  #polling = false;
  #polls;
  #fetching = false;
  #answering = false; // whether the last poll was answered
  #yielded = false; // to newer tabs
  #returnIn = null;
  #id = Math.random();
  #newer = new Set();
  #tabs = channel("examhall-streams");

  // handlers: message(event), closed(ids), withdrawn(ids), stillOpen(ids), signedOut(), ended(), state(word), pollBegins() → snapshot, polled(list, snapshot)
  constructor(element, handlers) {
    this.#element = element;
    this.#handlers = handlers;
    const on = (name, listener) => element.addEventListener(name, listener);
    on("htmx:before:request", (event) => (this.#connecting = event.detail.ctx));
    on("htmx:sse:after:connection", (event) => this.#opened(event.detail.connection));
    on("htmx:sse:before:message", (event) => this.#hear(event));
    on("htmx:sse:close", () => this.#ended());
    on("htmx:finally:request", () => this.#answered());
    on("beat", () => this.#beat());
    on("poll", () => this.#yield());
    on("restart", (event) => (this.#returnIn = Number(event.detail.data)));
    on("closed", (event) => handlers.closed(event.detail.data.split(",")));
    on("withdrawn", (event) => handlers.withdrawn(event.detail.data.split(",")));
    on("still-open", (event) => handlers.stillOpen(event.detail.data.split(",")));
    on("signed-out", () => handlers.ended());
    this.#tabs.listen((data) => this.#hearTab(data));
    addEventListener("pagehide", () => this.#tabs.post({ ended: this.#id }));
    addEventListener("online", () => this.#changeNetwork());
    addEventListener("offline", () => this.#loseNetwork());
    document.addEventListener("visibilitychange", () => document.hidden || this.#seen());
    setInterval(() => this.#watch(), WATCH_EVERY);
    this.#startPolling(jitter(POLL_EVERY));
    setTimeout(() => this.#begin());
  }

  // htmx may process the page before hx-sse has loaded, and then skips this element.
  #begin() {
    if (!this.#element.hasAttribute("data-htmx-powered")) htmx.process(this.#element);
    this.#connect();
  }

  #opened(connection) {
    this.#connection = connection;
    this.#beats = 0;
    this.#yielded = false;
    clearTimeout(this.#retry);
    this.#newer.clear();
    this.#tabs.post({ opened: this.#id });
  }

  // Each server process keeps a person's two newest streams. A browser opens six connections per host, whichever process
  // answers, so its tabs count as well and the third newest polls (trap 9).
  #hearTab({ opened, ended }) {
    this.#newer.delete(ended);
    if (!opened || !this.#connection) return;
    this.#newer.add(opened);
    if (this.#newer.size >= STREAMS_PER_BROWSER) {
      this.#yield();
      this.#cut();
    }
  }

  #yield() {
    this.#yielded = true;
    this.#startPolling(0);
  }

  #hear(event) {
    this.#heard = Date.now();
    if (!event.detail.message.event) this.#handlers.message(event);
  }

  // Pings follow beats instead of a timer, because browsers slow down timers in background tabs (R21).
  #beat() {
    this.#beats += 1;
    if (this.#beats === 2) this.#attempt = this.#mute = 0;
    if (this.#isLive) this.#live();
    if (this.#beats % 2 === 0) this.#ping();
  }

  get #isLive() {
    return !this.#yielded && this.#beats > (this.#mute ? 1 : 0) && Date.now() - this.#heard <= QUIET;
  }

  #live() {
    this.#polling = false;
    clearTimeout(this.#polls);
    this.#handlers.state("live");
  }

  async #ping() {
    try {
      const answer = await post(this.#element.dataset.ping, {}, { signal: timeLimit(ANSWER_WITHIN) });
      if (answer.status === 401) this.#signedOut();
    } catch {
      // no response: the stream itself is watched, and a later beat brings another ping
    }
  }

  #ended() {
    const returnIn = this.#returnIn ?? (this.#beats > 1 ? jitter(600) : this.#nextWait());
    this.#connection = this.#returnIn = null;
    this.#tabs.post({ ended: this.#id });
    if (!this.#yielded) this.#tryAgain(returnIn);
    this.#startPolling(returnIn + jitter(POLL_EVERY));
  }

  // Called for every request, also after its stream has opened.
  #answered() {
    const { response, request } = this.#connecting;
    this.#connecting = null;
    if (this.#connection) return;
    if (response?.status === 401) {
      this.#signedOut();
      return;
    }
    if (request.signal.reason === "timeout") this.#mute += 1;
    const retryAfter = Number(response?.headers.get("Retry-After")) * 1_000;
    this.#tryAgain(retryAfter ? jitter(Math.min(retryAfter, STREAM_AGAIN)) : this.#nextWait());
    this.#startPolling(0);
  }

  // Short while nothing answers at all, a minute where polling works and streams do not.
  #nextWait() {
    this.#attempt += 1;
    const inVain = this.#mute > 1 || (this.#answering && this.#attempt > 3);
    return inVain ? jitter(STREAM_AGAIN) : backoff(this.#attempt - 1, LONGEST_WAIT);
  }

  // A page with unsaved text stays, and keeps trying: its person may sign in again in another tab.
  #signedOut() {
    this.#polling = true;
    this.#answering = false;
    if (this.#connection) this.#cut();
    this.#handlers.signedOut();
    this.#tryAgain(jitter(LONGEST_WAIT));
    this.#pollAgain(jitter(LONGEST_WAIT));
  }

  #tryAgain(wait) {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #connect() {
    if (this.#connection || this.#connecting) return;
    this.#heard = Date.now();
    this.#tryAgain(jitter(STREAM_AGAIN)); // in case htmx drops this request
    this.#element.dispatchEvent(new CustomEvent("notices:connect"));
  }

  #changeNetwork() {
    this.#attempt = this.#mute = 0;
    if (this.#connection) this.#cut();
    else if (this.#connecting) this.#connecting.request.abort();
    else if (!this.#yielded) this.#connect();
    if (this.#polling) this.#pollAgain(0);
  }

  // A beat that is still on its way must not report the line as live.
  #loseNetwork() {
    this.#startPolling(0);
    if (this.#connection) this.#cut();
    this.#handlers.state("lost");
  }

  // Ends the stream; hx-sse then reports that it closed.
  #cut() {
    if (this.#connection.reader) this.#connection.reader.cancel();
    else this.#connection.abortController.abort();
  }

  #watch() {
    if (!this.#connection) return;
    const silent = Date.now() - this.#heard;
    if (silent < 0) this.#heard = Date.now(); // the clock was set back
    if (silent <= QUIET) return;
    if (!this.#polling) this.#startPolling(0);
    if (this.#beats > 1 && silent <= SILENCE) return;
    if (this.#beats < 2) this.#mute += 1;
    this.#cut();
  }

  #seen() {
    this.#watch();
    if (this.#yielded) this.#connect();
  }

  #startPolling(wait) {
    if (this.#polling && wait) return;
    if (!this.#polling) this.#handlers.state("connecting");
    this.#polling = true;
    this.#pollAgain(wait);
  }

  #pollAgain(wait) {
    clearTimeout(this.#polls);
    this.#polls = setTimeout(() => this.#poll(), wait);
  }

  async #poll() {
    if (this.#fetching) return; // its end brings the next one
    this.#fetching = true;
    const snapshot = this.#handlers.pollBegins();
    const answer = await this.#askForNotices();
    this.#fetching = false;
    if (answer.list) this.#handlers.polled(answer.list, snapshot);
    if (answer.status === 401) this.#signedOut();
    else if (this.#polling) this.#polled(answer.list);
  }

  #polled(list) {
    const back = list && !this.#answering;
    this.#answering = Boolean(list);
    this.#handlers.state(list ? "polling" : "lost");
    this.#pollAgain(jitter(POLL_EVERY));
    if (back && !this.#yielded && !this.#connection) this.#tryAgain(jitter(FIRST_RETRY));
  }

  // The open notices and the status; neither if there was no response, or one that is not the server's.
  async #askForNotices() {
    try {
      const answer = await fetchFragment(this.#element.dataset.poll);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      return { status: answer.status, list: answer.ok ? page.querySelector("[data-notices]") : null };
    } catch {
      return {}; // no network, or no answer in time: shown as lost, and asked again
    }
  }
}
