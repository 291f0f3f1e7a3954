// "Monitor" in the navigation leads back to the list as this tab last showed it: filter, sorting, columns and page.
import { drop, keep, read } from "./person-storage.js";

const NAME = "monitor-view";
const link = document.querySelector("[data-monitor-link]");
const list = () => document.getElementById("candidates");

function lead() {
  const query = read(NAME);
  link.href = query ? `/monitor?${query}` : "/monitor";
}

function remember() {
  keep(NAME, list().dataset.query);
  lead();
}

if (list()) remember();
else if (location.pathname === "/monitor") drop(NAME); // nothing is open now
document.addEventListener("monitor:answered", remember);
lead();
