// What this device does when somebody in the list has been offline for over three minutes, and whether its screen stays on:
// chosen in the person's menu, for this device only. Each absence is told once.
import { browserStore, can, keepScreenOn, vibrate } from "./browser-parts.js";
import { ownFetch } from "./own-answers.js";
import { keep, read } from "./person-storage.js";
import { list } from "./monitor-view.js";
import { showQuietly } from "./quiet-bar.js";

const NAME = "examhall.alerts";
const TOLD = "alerts-told";
const EVERY = 10_000;
const SHOWN_FOR = 20;
const MOST_NAMES = 5;
const MOST_TOLD = 500;
const TONES = [[880, 0], [660, 0.18], [880, 0.36]]; // Hz, seconds
const BUZZ = [200, 100, 200]; // milliseconds
const menu = document.querySelector("[data-alerts]");
const chosen = { sound: false, vibration: false, awake: false, ...browserStore.read(NAME) };
let audio = null;
let lock = null;
let isAsking = false;

// Browsers let a page make sounds after the person has pressed something on it.
function openAudio() {
  audio ??= new AudioContext();
  return audio.resume();
}

function chime() {
  if (audio?.state !== "running") return;
  for (const [pitch, after] of TONES) {
    const start = audio.currentTime + after;
    const tone = new OscillatorNode(audio, { frequency: pitch });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0.2, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.16);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.16);
  }
}

function say(kind, words) {
  menu.querySelector(`[data-alert-words="${kind}"]`).textContent = words;
}

// The system takes the lock back when the page is hidden, and may refuse it when the battery is low.
async function keepAwake() {
  if (!chosen.awake || !can.awake || lock || isAsking || document.visibilityState !== "visible") return;
  isAsking = true;
  try {
    lock = await keepScreenOn();
    lock.addEventListener("release", () => (lock = null));
    say("awake", "");
  } catch {
    say("awake", menu.dataset.forbidden);
  }
  isAsking = false;
  if (!chosen.awake) await lock?.release();
}

function tell(alerts) {
  if (chosen.sound) chime();
  if (chosen.vibration && can.vibration) vibrate(BUZZ);
  showNames(alerts.filter((alert) => !alert.asks_for_help), menu.dataset.textOffline);
  showNames(alerts.filter((alert) => alert.asks_for_help), menu.dataset.textHelp);
}

function showNames(alerts, words) {
  if (!alerts.length) return;
  const line = menu.querySelector("[data-alert-line]").content.firstElementChild.cloneNode(true);
  line.prepend(`${words} `);
  const names = alerts.slice(0, MOST_NAMES).map(({ candidate }) => candidate);
  line.querySelector("bdi").textContent = names.join(", ") + (alerts.length > MOST_NAMES ? ` +${alerts.length - MOST_NAMES}` : "");
  showQuietly(line, SHOWN_FOR);
}

// Of the tests and rooms that the list is about: a search for somebody else must not silence it.
function address() {
  const filter = [...new URLSearchParams(list().dataset.filter)].filter(([name]) => name === "test" || name === "room");
  return `${menu.dataset.address}?${new URLSearchParams(filter)}`;
}

async function look() {
  if (!chosen.sound && !chosen.vibration) return;
  const response = await ownFetch(address()).catch(() => null);
  if (!response?.ok) return; // the page says that the server is away
  const alerts = await response.json();
  const told = read(TOLD) ?? [];
  const fresh = alerts.filter(({ absence }) => !told.includes(absence));
  if (!fresh.length) return;
  keep(TOLD, [...fresh.map(({ absence }) => absence), ...told].slice(0, MOST_TOLD));
  tell(fresh);
}

function choose(kind, wanted) {
  chosen[kind] = wanted;
  browserStore.write(NAME, chosen);
  if (kind === "sound" && wanted) openAudio().then(chime);
  if (kind === "vibration" && wanted) vibrate(BUZZ);
  if (kind === "awake" && !wanted) lock?.release();
  keepAwake();
}

for (const box of menu.querySelectorAll("[data-alert]")) {
  const kind = box.dataset.alert;
  const isPressed = box.checked && !chosen[kind]; // before this script was there
  box.checked = can[kind] && (chosen[kind] || isPressed);
  box.disabled = !can[kind];
  if (!can[kind]) say(kind, menu.dataset.lacking);
  box.addEventListener("change", () => choose(kind, box.checked));
  if (isPressed && can[kind]) choose(kind, true);
}

document.addEventListener("click", () => chosen.sound && can.sound && openAudio(), { capture: true });
document.addEventListener("visibilitychange", keepAwake);
keepAwake();
look();
setInterval(look, EVERY);
