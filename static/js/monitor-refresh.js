// Refreshes the list every five seconds while the page is visible, and when it becomes visible or online again. What has
// not changed comes as an empty element.
import { ask } from "./monitor-view.js";

const EVERY = 5000;

htmx.registerExtension("unchanged", { htmx_before_morph_node: (_element, { newNode }) => !newNode.matches?.("[data-unchanged]") });

setInterval(() => document.visibilityState === "visible" && ask(), EVERY);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && ask());
addEventListener("online", () => ask({ anew: true }));
