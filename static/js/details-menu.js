// A menu that is a <details>: Escape, a press elsewhere and a button of its own close it. It works without this, too.
const menus = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    const hadFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (hadFocus) menu.querySelector("summary").focus();
  }
});
document.addEventListener("pointerdown", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-menu-close]")) target.closest("details[data-menu]").open = false;
});
