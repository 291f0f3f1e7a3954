// What a browser may lack, forbid or have full. The other modules use these parts from here alone; without one of them
// a page goes on working, with the less that its function says.
let warned = false;

// Gives what `action` gives, or `otherwise` where the browser refuses; says so in the console once.
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

  // The value under a key; null if there is none or it is not readable.
  read(key) {
    return attempt(() => JSON.parse(this.#area?.getItem(key) ?? "null"), null);
  }

  // Where it is forbidden or full, what was kept before under this key stays as it is, or there is nothing.
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

// Tells the browser's other tabs by way of its storage, which reports changes to them.
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

// What the tabs of one browser tell each other. Without BroadcastChannel and storage they hear nothing: each goes by
// what the server says.
export function channel(name) {
  return attempt(() => new TabChannel(name), null) ?? new StorageChannel(name);
}

// The signal for a fetch that is given up after so many milliseconds.
export function timeLimit(milliseconds) {
  if (typeof AbortSignal.timeout === "function") return AbortSignal.timeout(milliseconds);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), milliseconds);
  return controller.signal;
}

// Writes moments as hours, minutes and seconds of a zone; as those of UTC, and says so, where the browser does not know
// the zone.
export function clockOf(zone) {
  const parts = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const otherwise = () => new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: "UTC", timeZoneName: "short" });
  return attempt(() => new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: zone }), null) ?? otherwise();
}
