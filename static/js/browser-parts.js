// Parts of a browser that may be missing, forbidden or full. Other modules use them from here only. Without one of them
// a page keeps working with less; each function says with what.
let warned = false;

// Returns the result of `action`, or `otherwise` where the browser refuses. The console says so once.
function attempt(action, otherwise) {
  try {
    return action();
  } catch (error) {
    // oxlint-disable-next-line no-console -- for the person who looks for the cause on such a computer
    if (!warned) console.warn("This browser forbids or lacks something; the page goes on without it:", error.message);
    warned = true;
    return otherwise;
  }
}

class Store {
  #area;

  constructor(name) {
    this.#area = attempt(() => window[name], null) ?? null; // forbidden: an error or null, by browser
  }

  // The value of a key; null if there is none or it is unreadable.
  read(key) {
    return attempt(() => JSON.parse(this.#area?.getItem(key) ?? "null"), null);
  }

  // Where storage is forbidden or full, the earlier value stays.
  write(key, value) {
    attempt(() => this.#area?.setItem(key, JSON.stringify(value)));
  }

  remove(key) {
    attempt(() => this.#area?.removeItem(key));
  }

  keys() {
    return attempt(() => (this.#area ? Object.keys(this.#area) : []), []);
  }
}

export const tabStore = new Store("sessionStorage");
export const browserStore = new Store("localStorage");

// Reaches the browser's other tabs through storage, which reports changes to them.
class StorageChannel {
  #name;

  constructor(name) {
    this.#name = `examhall.channel.${name}`;
  }

  post(data) {
    browserStore.write(this.#name, { data, once: Math.random() }); // the same value again would not be reported
    browserStore.remove(this.#name);
  }

  listen(listener) {
    addEventListener("storage", (event) => {
      if (event.key === this.#name && event.newValue) listener(JSON.parse(event.newValue).data);
    });
  }
}

class TabChannel {
  #channel;

  constructor(name) {
    this.#channel = new BroadcastChannel(name);
  }

  post(data) {
    this.#channel.postMessage(data);
  }

  listen(listener) {
    this.#channel.addEventListener("message", (event) => listener(event.data));
  }
}

// A channel between the tabs of one browser. Without BroadcastChannel and storage no tab hears another, and each relies
// on the server.
export function channel(name) {
  return attempt(() => new TabChannel(name), null) ?? new StorageChannel(name);
}

// A signal that aborts a fetch after so many milliseconds.
export function timeLimit(milliseconds) {
  if (typeof AbortSignal.timeout === "function") return AbortSignal.timeout(milliseconds);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), milliseconds);
  return controller.signal;
}

// A device may have no motor, and no way to keep its screen on; an old browser makes no sounds.
export const can = {
  sound: "AudioContext" in window,
  vibration: "vibrate" in navigator,
  awake: "wakeLock" in navigator,
};

export function vibrate(pattern) {
  attempt(() => navigator.vibrate(pattern), false);
}

// Resolves to a WakeLockSentinel; rejects where the system does not allow it now.
export function keepScreenOn() {
  return navigator.wakeLock.request("screen");
}

// Formats moments as hours, minutes and seconds of a zone, or as these `parts` of them. Where the browser does not know
// the zone, it uses UTC and says so.
export function clockOf(zone, parts = { hour: "2-digit", minute: "2-digit", second: "2-digit" }) {
  const otherwise = () => new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: "UTC", timeZoneName: "short" });
  return attempt(() => new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: zone }), null) ?? otherwise();
}
