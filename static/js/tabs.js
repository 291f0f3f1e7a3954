// Messages between the tabs of one browser. When somebody else signs in, pages of the person before leave, so that the
// next person at a shared computer does not see them (trap 11).
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

// A page from the back-forward cache may belong to somebody who has left: hide it and reload.
addEventListener("pagehide", (event) => {
  if (event.persisted) document.body.hidden = true;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
