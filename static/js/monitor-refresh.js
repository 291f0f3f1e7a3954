// Asks for a fresh list every five seconds while the page can be seen, and when it comes back to sight or to the network.
import { ask } from "./monitor-view.js";

const EVERY = 5000;

setInterval(() => document.visibilityState === "visible" && ask(), EVERY);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && ask());
addEventListener("online", () => ask({ anew: true }));
