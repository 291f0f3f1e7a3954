// Parts of the monitor that its first look does not need. Each comes when it is first used: a module, and the styles of
// what it shows. What has not come is asked for again by the next use.
const MODULES = {
  alerts: () => import("./monitor-alerts.js"),
  drawer: () => import("./monitor-drawer.js"),
  filters: () => import("./monitor-filter-menu.js"),
  rowMenu: () => import("./monitor-row-menu.js"),
  selection: () => import("./monitor-selection.js"),
  sheet: () => import("./monitor-sheet.js"),
};
const STYLES = { alerts: "compose", drawer: "candidate", rowMenu: "compose", sheet: "compose" };
const coming = new Map();
const there = new Set();

// Asks for something once, and again only if it did not come.
function bring(name, how) {
  if (!coming.has(name)) {
    coming.set(name, how().catch((error) => {
      coming.delete(name);
      throw error;
    }));
  }
  return coming.get(name);
}

// Where the page would have named them: before those for paper.
function addStyles(name) {
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(`../css/${name}.css`, import.meta.url);
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => {
      link.remove();
      reject(new TypeError(`Failed to fetch the styles ${name}`));
    });
    document.querySelector('link[media="print"]').before(link);
  });
}

// Whether all of a part is there.
export function isThere(name) {
  return there.has(name);
}

// Resolves to what the part's module exports, once its styles are there too; rejects if anything does not come.
export async function part(name) {
  const styles = STYLES[name];
  const [module] = await Promise.all([bring(name, MODULES[name]), styles && bring(styles, () => addStyles(styles))]);
  there.add(name);
  return module;
}
