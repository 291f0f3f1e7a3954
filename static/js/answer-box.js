// A message about an answer, perhaps with a choice. It stands below the field, so that nothing moves above the line
// being written.

// `choices` are pairs of a button's label and its action.
export function explain(place, parts, reason, choices = []) {
  const box = document.createElement("div");
  box.className = "caution";
  box.setAttribute("role", "status");
  box.append(...parts);
  const steps = document.createElement("div");
  steps.className = "steps";
  for (const [label, action] of choices) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: label });
    button.addEventListener("click", action);
    steps.append(button);
  }
  if (choices.length) box.append(steps);
  place.dataset.reason = reason;
  place.replaceChildren(box);
}

export function paragraph(text) {
  return Object.assign(document.createElement("p"), { textContent: text });
}

// A labelled text to read and copy.
export function readOnlyText(label, text) {
  const field = document.createElement("textarea");
  Object.assign(field, { readOnly: true, rows: 6, value: text, dir: "auto" });
  const element = Object.assign(document.createElement("label"), { className: "field" });
  element.append(label, field);
  return element;
}

export function newTabLink(address, words) {
  const link = document.createElement("a");
  Object.assign(link, { href: address, target: "_blank", rel: "noopener", textContent: words });
  return link;
}
