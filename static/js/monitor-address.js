// "Back" reloads the page (htmx, history: reload). Pressed again before htmx has loaded, it only changes the address, and
// the list would belong to another address: then reload. At most once for each address, in case a proxy rewrites them.
const told = document.getElementById("monitor").dataset.query;
const { mended, ...state } = history.state ?? {};

if (told !== location.search.slice(1) && mended !== told) {
  history.replaceState({ ...state, mended: told }, "");
  location.reload();
} else if (mended !== undefined && told === location.search.slice(1)) {
  history.replaceState(state, "");
}
