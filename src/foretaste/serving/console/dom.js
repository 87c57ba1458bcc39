// Builds elements: text only ever becomes a text node, so no title can turn into markup.

const SVG = "http://www.w3.org/2000/svg";

/** h("p", {class: "note", onclick: f}, "text", child): an HTML element; null and false children are left out. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG, where attributes carry all the drawing. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** "1,204 events", "1 event". */
export function count(n, word) {
  return `${n.toLocaleString("en-GB")} ${word}${n === 1 ? "" : "s"}`;
}

/** A duration a person can read at a glance. */
export function milliseconds(ms) {
  if (ms < 0.1) return `${Math.round(ms * 1000)} µs`;
  return `${ms < 10 ? ms.toFixed(ms < 1 ? 2 : 1) : Math.round(ms)} ms`;
}

/** Five-star text; longer scales are written out. */
export function stars(value) {
  if (!(value > 0)) return "";
  if (value > 5) return `${value}★`;
  const full = Math.floor(value);
  return "★".repeat(full) + (value > full ? "½" : "") + "☆".repeat(5 - Math.ceil(value));
}

/** "rating", "star_rating": kinds whose value is a number of stars. */
export const isRating = (kind) => /rating|stars?$/i.test(kind ?? "");

export const stillness = matchMedia("(prefers-reduced-motion: reduce)");
