// Lets you choose a customer: from a list with the arrow keys, by typing an id, at random, or a guest.

import { byId, count, h, svg } from "./dom.js";

const [list, query, note] = ["people-list", "people-query", "people-note"].map(byId);

let known = []; // [{id, events}], most recently active first
let current = null;

/** `choose(id)` opens a person, `choose(null)` a guest. */
export function wirePeople(choose) {
  byId("people-search").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = query.value.trim();
    if (id) choose(id);
  });
  query.addEventListener("input", () => draw(choose));
  query.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") step(event, 0);
  });
  list.addEventListener("keydown", (event) => {
    const at = [...list.querySelectorAll("button")].indexOf(document.activeElement);
    const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.children.length - 1 }[event.key];
    if (target === -1) query.focus();
    else if (target !== undefined) step(event, target);
  });
  byId("guest").addEventListener("click", () => choose(null));
  byId("surprise").addEventListener("click", () => {
    const others = known.filter((person) => person.id !== current);
    if (others.length) choose(others[Math.floor(Math.random() * others.length)].id);
  });
}

function step(event, index) {
  const button = list.children[index]?.querySelector("button");
  if (!button) return;
  event.preventDefault();
  button.focus();
}

export function showPeople(people, choose) {
  known = people;
  byId("surprise").disabled = people.length === 0;
  draw(choose);
}

export function markPerson(id) {
  current = id;
  byId("guest").setAttribute("aria-pressed", String(id === null));
  for (const button of list.querySelectorAll("button")) {
    const chosen = button.dataset.person === id;
    if (chosen) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    // Scroll the list alone: scrollIntoView would also move the page.
    if (chosen) list.scrollTop = Math.max(0, button.offsetTop - list.offsetTop - list.clientHeight / 2);
  }
}

/** A person's event count, after one more event. */
export function countPerson(id, events) {
  const person = known.find((one) => one.id === id);
  if (person) person.events = events;
  const badge = [...list.querySelectorAll("button")].find((button) => button.dataset.person === id);
  if (badge) badge.querySelector(".events").textContent = events.toLocaleString("en-GB");
}

function draw(choose) {
  const wanted = query.value.trim().toLowerCase();
  const shown = known.filter((person) => person.id.toLowerCase().includes(wanted));
  list.replaceChildren(...shown.map((person) => h("li", {}, row(person, choose))));
  note.hidden = shown.length > 0;
  note.textContent = wanted
    ? `No customer in this list is called “${query.value.trim()}”. Press Enter to open this id anyway.`
    : "There are no events yet. Type an id, or start as a new visitor.";
  markPerson(current);
}

function row(person, choose) {
  return h(
    "button",
    {
      type: "button",
      "data-person": person.id,
      "aria-label": `${person.id}, ${count(person.events, "event")}`,
      onclick: () => choose(person.id),
    },
    h("span", { class: "avatar" }, face(person.id)),
    h("span", { class: "id" }, person.id),
    h("span", { class: "events" }, person.events.toLocaleString("en-GB")),
  );
}

/** A small round sign, the same for the same id. */
export function face(id) {
  let hash = 7;
  for (const letter of id) hash = (Math.imul(hash, 31) + letter.codePointAt(0)) >>> 0;
  const hue = (hash * 137.5) % 360;
  const turn = `rotate(${hash % 360} 16 16)`;
  return svg(
    "svg",
    { viewBox: "0 0 32 32", focusable: "false" },
    svg("circle", { cx: 16, cy: 16, r: 16, fill: `oklch(0.6 0.13 ${hue})` }),
    svg("path", { d: "M0 16a16 16 0 0 1 32 0Z", fill: `oklch(0.78 0.12 ${hue + 40})`, transform: turn }),
    svg("circle", { cx: 16, cy: 16, r: 5, fill: `oklch(0.96 0.03 ${hue})` }),
  );
}
