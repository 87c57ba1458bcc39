// Shows how a list was made: the time of each stage, the bundle, and the command that requests the same list.

import { byId, h, milliseconds } from "./dom.js";
import { curl } from "./api.js";

export const serverMs = (answer) => 1000 * (answer.trace ?? []).reduce((sum, step) => sum + step.seconds, 0);

/** One quiet line under the list; the drawer has the rest. */
export function stripText(answer) {
  const trace = answer.trace ?? [];
  const most = Math.max(0, ...trace.map((step) => step.kept));
  return [
    trace.length > 0 && `${milliseconds(serverMs(answer))} in ${trace.length} stages`,
    most > 0 && `${most.toLocaleString("en-GB")} candidates → ${answer.items.length} shown`,
    `bundle ${answer.version}`,
    answer.degraded && "degraded",
  ]
    .filter(Boolean)
    .join("  ·  ");
}

export function showHood({ answer, request, roundTripMs, active }) {
  const facts = [
    ["Bundle", answer.version],
    ["Degraded", answer.degraded ? "yes: a source or a stage was skipped" : "no"],
    ["Events used", String(answer.events_used ?? "unknown")],
    answer.ignored?.length ? ["Ignored, because unknown", answer.ignored.join(", ")] : null,
    ["In the service", milliseconds(serverMs(answer))],
    ["Including network", milliseconds(roundTripMs)],
    ["Answer", answer.recommendation_id],
  ].filter(Boolean);
  byId("hood-body").replaceChildren(
    h("h3", {}, "Stage by stage"),
    waterfall(answer.trace ?? []),
    h("h3", {}, "This answer"),
    h("dl", {}, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    ...leaderboard(active),
    h("h3", {}, "Request it yourself"),
    command(curl(request)),
    h("p", { class: "note" }, "All addresses are described in ", h("a", { href: "/openapi.json" }, "/openapi.json"), "."),
  );
}

/** Stages one after another: a bar starts where the one before it ended. */
function waterfall(trace) {
  if (trace.length === 0) return h("p", { class: "note" }, "There is no trace with this list.");
  const total = trace.reduce((sum, step) => sum + step.seconds, 0) || 1;
  let before = 0;
  const rows = trace.map(({ stage, seconds, kept }) => {
    const bar = h("i", { "aria-hidden": "true" });
    bar.style.setProperty("--from", before / total);
    bar.style.setProperty("--share", seconds / total);
    before += seconds;
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, stage),
      h("td", { class: "track" }, bar),
      h("td", {}, milliseconds(seconds * 1000)),
      h("td", {}, kept.toLocaleString("en-GB")),
    );
  });
  const head = ["Stage", "Time", "", "Kept"].map((name) => h("th", { scope: "col" }, name));
  return h("table", { class: "waterfall" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows));
}

/** The leaderboard the bundle carries: each model's first test measure, with its interval where one is given. */
function leaderboard(model) {
  const rows = (Array.isArray(model?.metrics?.rows) ? model.metrics.rows : []).filter((row) => row.test);
  const measure = Object.keys(rows[0]?.test ?? {})[0];
  if (!measure) return [];
  const interval = (row) => row.intervals?.[measure] ?? [row.test[measure], row.test[measure]];
  const best = Math.max(...rows.map((row) => interval(row)[1]), Number.MIN_VALUE);
  const lines = rows.map((row) => {
    const [low, high] = interval(row);
    const bar = h("i", { title: `${low.toFixed(4)} to ${high.toFixed(4)}` });
    bar.style.setProperty("--from", low / best);
    bar.style.setProperty("--share", (high - low) / best);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, row.model),
      h("td", { class: "track" }, bar),
      h("td", {}, row.test[measure].toFixed(4)),
    );
  });
  const { data, split, variant } = rows[0].protocol ?? {};
  const said = [data, split, variant].filter((word) => typeof word === "string").join(", ");
  return [
    h("h3", {}, "Accuracy on held-out data"),
    h("table", { class: "board" }, h("tbody", {}, lines)),
    h("p", { class: "note" }, `${measure} on held-out test queries${said && ` (${said})`}; a bar is the 95 % interval.`),
  ];
}

function command(text) {
  const shown = h("pre", { tabindex: "0", "aria-label": "The curl command" }, text);
  const copy = h("button", { type: "button", class: "copy" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      // Browsers lock the clipboard away from plain http beyond localhost: select the text instead.
      getSelection().selectAllChildren(shown);
      copy.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => (copy.textContent = "Copy"), 2000);
  });
  return h("div", { class: "command" }, shown, copy);
}
