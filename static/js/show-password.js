// Shows a password as typed while the toggle is pressed. The toggle appears only where this runs, and the password
// is hidden again before it is sent, so that it is neither on the screen nor in the browser's list of typed values.
for (const field of document.querySelectorAll("[data-password]")) {
  const input = field.querySelector("input");
  const toggle = field.querySelector("[data-password-toggle]");

  const show = (shown) => {
    input.type = shown ? "text" : "password";
    toggle.setAttribute("aria-pressed", String(shown));
  };

  toggle.hidden = false;
  toggle.addEventListener("click", () => show(input.type === "password"));
  input.form.addEventListener("submit", () => show(false));
  // Back may restore the page as it was left
  addEventListener("pageshow", () => show(false));
}
