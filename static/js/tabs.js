// What the tabs of one browser tell each other. A page of somebody who is no longer the one signed in here goes away:
// the next person at a shared computer sees nothing of the last one (trap 11).
import { channel } from "./browser-parts.js";

const tabs = channel("examhall");
const listeners = new Map();
const person = document.querySelector("[data-person]")?.dataset.person;

export function tell(kind, detail = {}) {
  tabs.post({ kind, person, detail });
}

export function listen(kind, listener) {
  listeners.set(kind, listener);
}

function leaveTo(address) {
  document.dispatchEvent(new CustomEvent("examhall:abandon"));
  document.body.replaceChildren();
  location.replace(address);
}

tabs.listen((data) => {
  if (!person) return;
  if (data.person === person) listeners.get(data.kind)?.(data.detail);
  else if (data.kind === "here") leaveTo("/");
});
if (person) tell("here");

// A page out of the browser's back-forward memory may be somebody's who has left: hide it, and ask the server.
addEventListener("pagehide", (event) => {
  if (event.persisted) document.body.hidden = true;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
