// Reads an item's columns without knowing the catalogue: lists become chips, short values a line of facts.

const MAX_FACT = 28; // characters; longer text is a description

/** The words of every list column: genres, tags, colours. */
export function labels(columns = {}) {
  const lists = Object.values(columns ?? {}).filter(Array.isArray);
  return [...new Set(lists.flat().filter((word) => word !== null).map(String))];
}

/** Short scalar columns as words: "1980", "price 12.5", "in stock"; what the title already says is left out. */
export function facts(item) {
  const found = [];
  for (const [name, value] of Object.entries(item.columns ?? {})) {
    const label = name.replaceAll("_", " ");
    if (value === true) found.push(label);
    else if (typeof value === "number") found.push(/year$/i.test(name) ? String(value) : `${label} ${round(value)}`);
    else if (typeof value === "string" && value && value.length <= MAX_FACT) found.push(value);
  }
  return found.filter((fact) => fact !== item.title);
}

/** The longer texts, for the panel that has room for them. */
export function descriptions(item) {
  const texts = Object.values(item.columns ?? {}).filter((value) => typeof value === "string");
  return texts.filter((text) => text.length > MAX_FACT && text !== item.title);
}

/** What to call an item, or an event's item: its title, its id where it has none. */
export const nameOf = (item) => String(item.title || (item.id ?? item.item));

/** "Fugitive, The (1993)" → {title: "The Fugitive", year: "1993"}; what is not written so stays whole. */
export function splitTitle(item) {
  const whole = nameOf(item);
  const parts = /^(.+?)\s*\((\d{4})\)$/.exec(whole);
  if (parts) return { title: inReadingOrder(parts[1]), year: parts[2] };
  const year = Object.entries(item.columns ?? {}).find(([name, value]) => /year$/i.test(name) && value);
  return { title: inReadingOrder(whole), year: year ? String(year[1]) : null };
}

/** Catalogues sort by the first telling word and put the article last. */
const inReadingOrder = (title) => title.replace(/^(.+), (The|An?)$/, "$2 $1");

const round = (value) => (Number.isInteger(value) ? value : Number(value.toPrecision(4)));
