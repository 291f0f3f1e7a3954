// "Monitor" in the navigation leads to the list as this tab last showed it: filter, sorting, columns and page.
import { drop, keep, read } from "./person-storage.js";

const NAME = "monitor-view";
const links = document.querySelectorAll("[data-monitor-link]");
const path = links[0].getAttribute("href");
const list = () => document.getElementById("candidates");

function lead() {
  const query = read(NAME);
  for (const link of links) link.href = query ? `${path}?${query}` : path;
}

function remember() {
  keep(NAME, list().dataset.query);
  lead();
}

if (list()) remember();
else if (location.pathname === path) drop(NAME); // nothing is open now
document.addEventListener("monitor:answered", remember);
lead();
