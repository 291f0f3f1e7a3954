// Another person has signed in in another tab. The server refuses what this page asks for, and the page stays as it is.
// The refusal is shown where the person looks: in the open dialog, which covers everything else, or on top of the page.
export function concernsAnother(response) {
  return response.headers.get("X-Examhall-Refusal") === "another_person";
}

export async function sayWhoIsHere(response) {
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const words = document.importNode(page.querySelector("[data-reason]"), true);
  words.classList.add("another-person");
  const place = document.querySelector("dialog[open]") ?? document.getElementById("main");
  const [earlier] = document.querySelectorAll(".another-person");
  // a list asks every few seconds: the same words are not announced again
  if (earlier?.parentElement === place && earlier.textContent === words.textContent) return;
  earlier?.remove();
  place.prepend(words);
}

document.addEventListener("htmx:before:response", (event) => {
  if (concernsAnother(event.detail.ctx.response)) event.preventDefault();
});
