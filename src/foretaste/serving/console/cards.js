// Shows the lists of items as cards, and moves them smoothly when the order changes.

import { h, isRating, stars, stillness } from "./dom.js";
import { cover } from "./covers.js";
import { facts, labels, nameOf, splitTitle } from "./columns.js";

const MOVE = { duration: 480, easing: "cubic-bezier(.2, .8, .2, 1)" };
const LEAVE = { duration: 260, easing: "ease-in", fill: "forwards" };
const MAX_CHIPS = 3;
const DOUBLE_MS = 400;

export function chips(item, most = MAX_CHIPS) {
  const words = labels(item.columns);
  const rest = words.length - most;
  const shown = words.slice(0, most).map((word) => h("li", {}, word));
  if (rest > 0) shown.push(h("li", { title: words.slice(most).join(", ") }, `+${rest}`));
  return shown.length ? h("ul", { class: "chips", "aria-label": "Labels" }, shown) : null;
}

/** One card. `take` is called with the item when its cover is clicked, `why` when its reasons are asked for. */
export function card(item, { rank = null, take, why = null }) {
  const button = h(
    "button",
    { class: "take", type: "button", "aria-label": nameOf(item), "aria-describedby": "click-note", title: nameOf(item) },
    cover(item),
    rank && h("span", { class: "rank", "aria-hidden": "true" }, String(rank)),
    h("span", { class: "hint", "aria-hidden": "true" }),
  );
  button.addEventListener("click", (event) => !isSecondOfDouble(event) && take(item));
  return h("li", { class: "card", "data-item": item.id }, button, body(item, why));
}

let last = { at: -Infinity, x: 0, y: 0 };

/** The list may have moved between the two clicks of a double click: the second must not take another item. */
function isSecondOfDouble({ detail, timeStamp, clientX, clientY }) {
  if (detail === 0) return false; // the keyboard
  const near = Math.hypot(clientX - last.x, clientY - last.y) < 10 && timeStamp - last.at < DOUBLE_MS;
  last = { at: timeStamp, x: clientX, y: clientY };
  return near;
}

function body(item, why) {
  const { year } = splitTitle(item);
  const known = facts(item).filter((fact) => fact !== year);
  const reason = item.reasons?.[0]?.text;
  const found = Object.entries(item.sources ?? {}).sort(([, a], [, b]) => a.rank - b.rank);
  return h(
    "div",
    { class: "body" },
    reason && h("p", { class: "reason", title: reason }, reason),
    known.length > 0 && h("p", { class: "facts" }, known.join(" · ")),
    chips(item),
    why &&
      h(
        "div",
        { class: "foot" },
        h("span", { class: "sources" }, found.map(([name, { rank }]) => sourceBadge(name, rank))),
        h("button", { class: "why", type: "button", "aria-label": `Why ${nameOf(item)}?`, onclick: () => why(item) }, "Why?"),
      ),
  );
}

const sourceBadge = (name, rank) =>
  h("span", { class: "source", title: `rank ${rank} in the list of ${name}` }, name, h("b", {}, ` #${rank}`));

export function skeletons(list, n) {
  const bone = () => h("li", { class: "card skeleton", "aria-hidden": "true" }, h("div", { class: "cover" }), h("p"), h("p"));
  list.replaceChildren(...Array.from({ length: n }, bone));
  list.setAttribute("aria-busy", "true");
}

/**
 * What became of each item: {id: "new" | places moved up (negative: down)}, 0 where it stayed.
 * The items just taken (a set) do not count: what merely closed the gap they left did not move.
 */
export function changes(before, after, taken) {
  const order = before.filter((id) => !taken.has(id));
  const place = new Map(order.map((id, i) => [id, i]));
  return new Map(after.map((id, i) => [id, place.has(id) ? place.get(id) - i : "new"]));
}

/** Replaces the cards of `list` by `items`; with `moved` (from `changes`) it animates and marks them. */
export function showCards(list, items, handlers, moved = null) {
  const old = new Map([...list.querySelectorAll(":scope > [data-item]")].map((li) => [li.dataset.item, li]));
  const from = new Map([...old].map(([id, li]) => [id, li.getBoundingClientRect()]));
  const focused = document.activeElement?.closest("[data-item]");
  const focusedAt = [...old.values()].indexOf(focused);
  const cards = items.map((item, i) => card(item, { rank: i + 1, ...handlers }));
  const kept = new Set(items.map((item) => item.id));
  const leaving = moved && !stillness.matches ? [...old].filter(([id]) => !kept.has(id)).map(([, li]) => li) : [];
  const origin = list.getBoundingClientRect();
  list.replaceChildren(...cards);
  list.removeAttribute("aria-busy");
  for (const li of leaving) leave(li, from.get(li.dataset.item), origin, list);
  if (moved) cards.forEach((li) => mark(li, moved.get(li.dataset.item)));
  if (moved && !stillness.matches) cards.forEach((li) => move(li, from.get(li.dataset.item)));
  if (focusedAt >= 0) {
    // The keyboard stays where it was: on the same item, or on the one that took its place.
    const next = cards.find((li) => li.dataset.item === focused.dataset.item) ?? cards[Math.min(focusedAt, cards.length - 1)];
    next?.querySelector(".take").focus({ preventScroll: true });
  }
}

function mark(li, change) {
  if (!change) return;
  const isNew = change === "new";
  const [text, said] = isNew
    ? ["new", "new in the list"]
    : [`${change > 0 ? "↑" : "↓"}${Math.abs(change)}`, `${change > 0 ? "up" : "down"} ${Math.abs(change)}`];
  const tone = isNew ? "new" : change > 0 ? "up" : "down";
  const button = li.querySelector(".take");
  button.append(h("span", { class: `mark ${tone}`, "aria-hidden": "true" }, text));
  button.setAttribute("aria-label", `${button.getAttribute("aria-label")}, ${said}`);
}

function move(li, from) {
  if (!from) {
    li.animate([{ opacity: 0, transform: "translateY(18px) scale(.94)" }, { opacity: 1, transform: "none" }], MOVE);
    return;
  }
  const to = li.getBoundingClientRect();
  const [dx, dy] = [from.left - to.left, from.top - to.top];
  if (dx || dy) li.animate([{ transform: `translate(${dx}px, ${dy}px)` }, { transform: "none" }], MOVE);
}

/** A ghost fades where the card was; it is no item any more. */
function leave(li, rect, origin, list) {
  li.removeAttribute("data-item");
  li.inert = true;
  li.classList.add("leaving");
  li.style.left = `${rect.left - origin.left}px`;
  li.style.top = `${rect.top - origin.top}px`;
  li.style.width = `${rect.width}px`;
  list.append(li);
  const away = li.animate([{ opacity: 1 }, { opacity: 0, transform: "translateY(-14px) scale(.9)" }], LEAVE);
  away.finished.finally(() => li.remove());
}

/** The history as a row of small covers; `remove`, for guests, takes one out again. */
export function showHistory(list, history, remove = null) {
  const entries = history.map((event, i) => {
    const { title } = splitTitle(event);
    const when = event.time ? new Date(event.time) : null;
    return h(
      "li",
      { class: "past", "data-item": event.item },
      cover(event),
      h("p", { class: "past-title", title: nameOf(event) }, title),
      h(
        "p",
        { class: "past-what" },
        isRating(event.kind) && event.value
          ? h("span", { class: "stars", role: "img", "aria-label": `${event.kind} ${event.value}` }, stars(event.value))
          : h("span", {}, event.kind),
        when && h("time", { datetime: event.time, title: when.toLocaleString("en-GB") }, ago(when)),
      ),
      remove &&
        h("button", { class: "remove", type: "button", "aria-label": `Remove ${title}`, onclick: () => remove(i) }, "✕"),
    );
  });
  list.replaceChildren(...entries);
}

function ago(when) {
  const seconds = (Date.now() - when) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return when.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

/** Says on every card what a click will record. */
export function sayHint(text) {
  for (const hint of document.querySelectorAll(".take .hint")) hint.textContent = text;
}
