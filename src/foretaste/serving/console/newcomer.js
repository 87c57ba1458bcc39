// Onboarding: shows a new visitor labels and well-known items to choose from, and new ones after each choice.

import * as api from "./api.js";
import { showCards } from "./cards.js";
import { byId, h } from "./dom.js";

const N_ITEMS = 12;
const N_LABELS = 8;

const [labels, picks, others, note] = ["labels", "picks", "others", "start-note"].map(byId);
const ASKED = note.textContent;
const ALL_ASKED = "There is nothing more to choose; the list uses all your choices.";

let ticket = 0; // counts questions, so that a late answer to an old one is dropped
let shown = []; // ids of the items asked about now

/** What a guest said beside what they picked: labels, in the order chosen, and the items they passed over. */
export const newcomer = () => ({ likes: [], seen: [] });

/** They like none of what is shown; `askNewcomer` then shows others. */
export function passOver(person) {
  person.seen.push(...shown);
}

/** Shows what to ask next; `take(item)` and `like(label)` are called when something is clicked. */
export async function askNewcomer(person, { take, like }) {
  const mine = ++ticket;
  const answer = await api.onboarding(person, N_ITEMS, N_LABELS);
  if (mine !== ticket) return;
  shown = answer.items.map((item) => item.id);
  showLabels([...person.likes, ...answer.labels], person.likes, like);
  showCards(picks, answer.items, { take });
  others.hidden = shown.length === 0;
  note.textContent = shown.length ? ASKED : ALL_ASKED;
}

function showLabels(words, chosen, like) {
  const focused = labels.contains(document.activeElement) ? document.activeElement.textContent : null;
  const button = (word) =>
    h("button", { type: "button", "aria-pressed": String(chosen.includes(word)), onclick: () => like(word) }, word);
  labels.replaceChildren(...words.map(button));
  labels.hidden = words.length === 0;
  // The keyboard stays on the label it pressed.
  if (focused !== null) [...labels.children].find((one) => one.textContent === focused)?.focus({ preventScroll: true });
}
