// "Back" loads the page anew (htmx, history: reload). Pressed again before htmx is there, it changes the address alone,
// and list and filters go on saying what another address means: then the page is loaded for the one it has. At most once
// for each, should something between here and the server write addresses anew.
const told = document.getElementById("monitor").dataset.query;
const { mended, ...state } = history.state ?? {};

if (told !== location.search.slice(1) && mended !== told) {
  history.replaceState({ ...state, mended: told }, "");
  location.reload();
} else if (mended !== undefined && told === location.search.slice(1)) {
  history.replaceState(state, "");
}
