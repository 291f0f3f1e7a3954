// Signing out removes what this browser keeps of the person, once nothing is unsaved (trap 11).
import { dropAllOf } from "./drafts.js";
import { tell } from "./tabs.js";

const strip = document.querySelector("[data-person]");
const form = document.querySelector(".signed-in form");

form?.addEventListener("submit", (event) => {
  const goes = document.dispatchEvent(new CustomEvent("examhall:signing-out", { cancelable: true, detail: { form } }));
  if (!goes) {
    event.preventDefault();
    return;
  }
  dropAllOf(strip.dataset.person);
  document.dispatchEvent(new CustomEvent("examhall:abandon"));
  tell("signed-out");
});
