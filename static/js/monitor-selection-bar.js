// The bar that tells how much is selected, and the line that tells that another filter has cleared the selection.
const bar = document.querySelector("[data-action-bar]");
const line = document.querySelector("[data-cleared]");
const status = document.querySelector("[data-selection-status]");
const texts = bar.dataset;
const part = (name) => bar.querySelector(`[data-selected-${name}]`);

function put(text, count) {
  return text.replace("{count}", count.toLocaleString(document.documentElement.lang));
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function countInWords({ count, everybody, filter, total, capped, here, ticked }) {
  if (everybody && capped) return filter ? texts.allOfFilterUncounted : texts.allUncounted;
  if (everybody) return put(filter ? texts.allOfFilter : texts.all, count);
  if (count === here && ticked === here && total > here) return put(texts.page, count);
  return count === 1 ? texts.one : put(texts.many, count);
}

function restInWords({ count, everybody, narrowed, ticked }) {
  if (narrowed) return texts.narrowed;
  return everybody || count === ticked ? "" : put(texts.elsewhere, count - ticked);
}

function clearedInWords({ everybody, ids }) {
  if (everybody) return line.dataset.all;
  return ids.length === 1 ? line.dataset.one : put(line.dataset.many, ids.length);
}

function showBar(selection) {
  const { count, everybody, narrowed, total, capped, here, ticked } = selection;
  bar.hidden = count === 0 && !everybody;
  for (const button of bar.querySelectorAll("[form=selection]")) button.disabled = bar.hidden;
  say(part("count"), bar.hidden ? "" : countInWords(selection));
  say(part("elsewhere"), bar.hidden ? "" : restInWords(selection));
  const all = bar.querySelector("[data-select-all]");
  all.hidden = everybody || total <= count || !(narrowed || (here > 0 && ticked === here));
  say(all, capped ? texts.offerAllUncounted : put(texts.offerAll, total));
}

function showCleared(cleared) {
  line.hidden = !cleared;
  if (!cleared) return;
  say(line.querySelector("[data-cleared-words]"), clearedInWords(cleared));
  line.querySelector("[data-undo-clearing]").href = cleared.address;
}

// Another button for the ticked rows, which takes the place of the one for everybody (_message_button.html).
function showButton({ count, everybody }) {
  const ticked = document.querySelector("[data-message-ticked]");
  if (!ticked) return;
  ticked.hidden = count === 0 && !everybody;
  ticked.disabled = ticked.hidden;
  say(ticked, put(ticked.dataset.words, count));
  ticked.parentElement.querySelector("[data-compose-all]")?.toggleAttribute("hidden", !ticked.hidden);
}

export function showSelection(selection) {
  showBar(selection);
  showButton(selection);
  showCleared(selection.cleared);
  document.body.classList.toggle("has-action-bar", !bar.hidden || !line.hidden);
  const words = line.hidden ? [part("count"), part("elsewhere")] : [line.querySelector("[data-cleared-words]")];
  say(status, words.map((element) => element.textContent).join(" ").trim());
}

bar.dataset.ready = "";
