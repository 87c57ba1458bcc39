// The panel behind "Why?": the reasons for an item, the sources that proposed it, and similar items.

import { byId, h } from "./dom.js";
import { similarItems } from "./api.js";
import { card, chips } from "./cards.js";
import { cover } from "./covers.js";
import { descriptions, facts, nameOf } from "./columns.js";

const N_SIMILAR = 8;
const panel = byId("why");

panel.addEventListener("click", (event) => {
  if (event.target === panel) panel.close(); // a click beside the panel, on its backdrop
});

/** Opens the panel; `take(item)` is what a click on a similar item does, `you` says whose history it is. */
export async function openWhy(item, { take, you, afterCards }) {
  const similar = h("div", { class: "similar" }, h("p", { class: "note", role: "status" }, "Looking for similar items…"));
  const known = facts(item).filter((fact) => !nameOf(item).includes(`(${fact})`));
  const close = h("button", { class: "quiet close", type: "button", "aria-label": "Close" }, "✕");
  close.addEventListener("click", () => panel.close());
  panel.replaceChildren(
    close,
    h(
      "header",
      {},
      cover(item),
      h(
        "div",
        {},
        h("p", { class: "eyebrow" }, "Why this?"),
        h("h2", { id: "why-title" }, nameOf(item)),
        known.length > 0 && h("p", { class: "facts" }, known.join(" · ")),
        chips(item, 12),
        ...descriptions(item).map((text) => h("p", { class: "note" }, text)),
      ),
    ),
    h("h3", {}, you ? "Reasons in your choices" : "Reasons in their history"),
    reasons(item, you),
    h("h3", {}, "Sources"),
    sources(item),
    h("h3", {}, "Similar items"),
    similar,
  );
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
  try {
    const { items } = await similarItems(item.id, N_SIMILAR);
    const chosen = (other) => {
      panel.close();
      take(other);
    };
    const row = h("ul", { class: "row" }, items.map((other) => card(other, { take: chosen })));
    similar.replaceChildren(items.length ? row : h("p", { class: "note" }, "There are no similar items."));
    afterCards();
  } catch (error) {
    similar.replaceChildren(h("p", { class: "note" }, error.message));
  }
}

/** A bar for each thing they did, and one for all the rest, so that the whole is 100 %. */
function reasons(item, you) {
  const named = item.reasons ?? [];
  if (named.length === 0) return h("p", { class: "note" }, "The service gave no reason for this one.");
  const because = named.filter((reason) => reason.kind === "because" || reason.kind === "likes");
  if (because.length === 0) return h("p", { class: "plain-reason" }, named.map((reason) => reason.text).join(". "));
  const rest = 1 - because.reduce((sum, reason) => sum + reason.share, 0);
  const rows = because.map((reason) => shareRow(reason.title ?? reason.text, reason.share));
  if (rest > 0.005) rows.push(shareRow(you ? "all other choices" : "all other activity", rest, "rest"));
  return h("ul", { class: "shares" }, rows);
}

function shareRow(text, share, tone = "") {
  const bar = h("i", { "aria-hidden": "true" });
  bar.style.setProperty("--share", Math.max(0, Math.min(1, share)));
  const percent = share < 0.01 ? "under 1 %" : `${Math.round(share * 100)} %`;
  return h("li", { class: tone }, h("span", {}, text), h("b", {}, percent), bar);
}

function sources(item) {
  const found = Object.entries(item.sources ?? {}).sort(([, a], [, b]) => a.rank - b.rank);
  if (found.length === 0) return h("p", { class: "note" }, "Unknown.");
  const number = (value) => (typeof value === "number" ? String(Number(value.toPrecision(4))) : "–");
  const rows = found.map(([name, { rank, score }]) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, `#${rank}`), h("td", {}, number(score))),
  );
  const head = ["Source", "Rank", "Score"].map((name) => h("th", { scope: "col" }, name));
  return h(
    "div",
    {},
    h("table", { class: "found" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)),
    typeof item.score === "number" && h("p", { class: "note" }, `Score after merging: ${number(item.score)}.`),
  );
}
