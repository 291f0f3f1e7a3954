// Refreshes the list every five seconds while the page is visible, and when it becomes visible or online again.
import { ask } from "./monitor-view.js";

const EVERY = 5000;

setInterval(() => document.visibilityState === "visible" && ask(), EVERY);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && ask());
addEventListener("online", () => ask({ anew: true }));
