"""CSS of the report page: one accent and ten model colours, for light and dark."""

_COLOURS = (
    "#d9622b",
    "#2f7fc1",
    "#3a9a5b",
    "#a25bc4",
    "#c9a227",
    "#d1477f",
    "#1fa3a3",
    "#8a6d3b",
    "#6b7fd7",
    "#7c8a94",
)

STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --card: #faf8f5; --line: #e4dfd8; --accent: #d9622b }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ddd; --paper: #14151a; --card: #1c1e25; --line: #333640 } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--ink); background: var(--paper) }
h1 { margin: 0; font-size: 2.2rem; letter-spacing: -.02em } h2 { font-size: 1.1rem; margin: 0 0 .2rem }
header p { margin: 0 } .quiet { opacity: .7; font-size: .9rem } section { margin-top: 2rem }
.verdict { border-left: 4px solid var(--accent); padding: .4rem 0 .4rem 1rem; margin: 1rem 0 1.5rem;
  font-size: 1.08rem }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1rem }
figure { margin: 0; padding: 1rem; border: 1px solid var(--line); border-radius: 10px; background: var(--card) }
figure p { margin: .1rem 0 .5rem } svg { width: 100%; height: auto; display: block }
svg text { fill: currentColor; font: 12px system-ui, sans-serif } svg text.quiet { opacity: .6; font-size: 11px }
svg .name { opacity: .75; font-size: 11px } .grid { stroke: var(--line) } polyline { fill: none; stroke-width: 2 }
.dashed { stroke-dasharray: 4 4; opacity: .7 } .ring { stroke: var(--card); stroke-width: 2 }
.over0 { opacity: .45 } .over1 { opacity: .65 } .over2 { opacity: .85 }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
td, th { text-align: right; padding: .35rem .6rem; border-top: 1px solid var(--line); white-space: nowrap }
th:first-child { text-align: left; font-weight: 600 } tr:first-child th { border: 0; font-size: .85rem; opacity: .8 }
td.best { font-weight: 700; color: var(--accent) }
td[style] { background: color-mix(in srgb, var(--accent) var(--share), transparent) }
.chip { display: inline-block; width: .75em; height: .75em; border-radius: 50%; margin: 0 .35em 0 .2em }
.protocol { font-size: .9rem; opacity: .85 } dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem;
  font-size: .9rem } dd { margin: 0; opacity: .75 }
@media print { figure { break-inside: avoid } }
""" + "".join(
    f".c{n} {{ fill: {colour} }} .s{n} {{ stroke: {colour} }} .b{n} {{ background: {colour} }}\n"
    for n, colour in enumerate(_COLOURS)
)
