// Draws a cover for every item: colours from its labels, shapes from its title, the same on every visit.

import { h, svg } from "./dom.js";
import { labels, splitTitle } from "./columns.js";

const WIDTH = 200;
const HEIGHT = 300;
// Degrees around the OKLCH circle, without the olive greens that look muddy when dark.
const HUES = [22, 40, 62, 148, 168, 192, 218, 245, 268, 292, 325, 352];
const LETTERING = ["serif", "grotesk", "tall", "serif", "grotesk"];

let gradients = 0; // an SVG gradient needs a name of its own in the page

/** A cover with its title set on it; decoration for the eye, so the caller names the item for screen readers. */
export function cover(item) {
  const { title, year } = splitTitle(item);
  const marks = labels(item.columns);
  const random = generator(`${title}|${marks.join("|")}`);
  // Two of its labels give the two hues, so things of one kind look like relatives.
  const at = Math.floor(random() * marks.length);
  const first = hueOf(marks[at] ?? title) + (random() - 0.5) * 36;
  const second = marks.length > 1 ? hueOf(marks[(at + 1) % marks.length]) : first + 35 + random() * 60;
  const paint = palette(first, second, random);
  const motif = MOTIFS[Math.floor(random() * MOTIFS.length)];
  const lettering = LETTERING[Math.floor(random() * LETTERING.length)];
  return h(
    "div",
    { class: `cover ${lettering}`, "aria-hidden": "true" },
    drawing(paint, motif(random, paint)),
    h("div", { class: `lettering ${sizeOf(title)}` }, h("strong", {}, title), year && h("span", {}, year)),
  );
}

function drawing(paint, shapes) {
  const name = `cover-${++gradients}`;
  const stop = (offset, colour) => svg("stop", { offset, "stop-color": colour });
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "xMidYMin slice", focusable: "false" },
    svg("linearGradient", { id: name, x1: 0, y1: 0, x2: 0.6, y2: 1 }, stop(0, paint.light), stop(1, paint.deep)),
    svg("rect", { width: WIDTH, height: HEIGHT, fill: `url(#${name})` }),
    shapes,
  );
}

function palette(first, second, random) {
  const oklch = (light, chroma, hue) => `oklch(${light} ${chroma} ${((hue % 360) + 360) % 360})`;
  return {
    light: oklch(0.5 + random() * 0.1, 0.13, first),
    deep: oklch(0.24, 0.07, second),
    warm: oklch(0.8, 0.13, first + [28, -45, 150][Math.floor(random() * 3)]),
    cool: oklch(0.66, 0.15, second),
    pale: oklch(0.94, 0.035, first),
    dark: oklch(0.3, 0.09, second),
  };
}

const circle = (cx, cy, r, fill, more = {}) => svg("circle", { cx, cy, r, fill, ...more });
const ring = (cx, cy, r, stroke, width, more = {}) =>
  svg("circle", { cx, cy, r, fill: "none", stroke, "stroke-width": width, ...more });
const path = (d, fill, more = {}) => svg("path", { d, fill, ...more });
const range = (n) => [...Array(n).keys()];
const between = (random, low, high) => low + random() * (high - low);

/** Each motif takes (random, paint) and gives shapes that leave the lower third to the title. */
const MOTIFS = [
  function sunrise(random, paint) {
    const x = between(random, 60, 140);
    return [
      ...range(5).map((i) => circle(x, 150, 118 - i * 20, paint.warm, { opacity: 0.12 + i * 0.06 })),
      circle(x, 150, 36, paint.pale),
      path(`M0 165 Q${between(random, 40, 70)} 128 110 160 T200 150 V300 H0Z`, paint.dark, { opacity: 0.85 }),
    ];
  },
  function hills(random, paint) {
    const ridge = (y) => `M0 ${y} C50 ${y - between(random, 10, 55)} 80 ${y + 25} 120 ${y - 14} S180 ${y - 34} 200 ${y - 8}`;
    return [
      circle(between(random, 45, 155), between(random, 48, 78), between(random, 17, 30), paint.pale, { opacity: 0.95 }),
      ...[paint.warm, paint.cool, paint.dark].map((colour, i) =>
        path(`${ridge(128 + i * 32)} V300 H0Z`, colour, { opacity: 0.55 + i * 0.2 }),
      ),
    ];
  },
  function tiles(random, paint) {
    // Quarter circles on a grid, each turned at random.
    const colours = [paint.warm, paint.cool, paint.pale, paint.dark];
    return range(16).map((i) => {
      const [x, y] = [(i % 4) * 50, Math.floor(i / 4) * 50];
      const turn = Math.floor(random() * 4) * 90;
      const colour = colours[Math.floor(random() * 4)];
      return path("M0 0H50A50 50 0 0 1 0 50Z", colour, {
        transform: `translate(${x} ${y}) rotate(${turn} 25 25)`,
        opacity: 0.9 - Math.floor(i / 4) * 0.13,
      });
    });
  },
  function orbits(random, paint) {
    const [x, y] = [between(random, 70, 130), between(random, 92, 118)];
    return [
      ...range(4).map((i) => ring(x, y, 30 + i * 24, paint.pale, 1.2, { opacity: 0.6 - i * 0.1 })),
      circle(x, y, 19, paint.warm),
      ...range(5).map((i) => {
        const [angle, r] = [random() * 2 * Math.PI, 30 + (i % 4) * 24];
        const size = between(random, 4, 10);
        return circle(x + r * Math.cos(angle), y + r * Math.sin(angle), size, i % 2 ? paint.pale : paint.cool);
      }),
    ];
  },
  function rays(random, paint) {
    const [x, n] = [between(random, 30, 170), 9 + Math.floor(random() * 5)];
    const edge = (angle) => `${x + 420 * Math.cos(angle)} ${150 - 420 * Math.sin(angle)}`;
    return [
      ...range(n).map((i) => {
        const [from, to] = [(Math.PI * i) / n, (Math.PI * (i + 0.5)) / n];
        return path(`M${x} 150L${edge(from)}L${edge(to)}Z`, i % 2 ? paint.warm : paint.cool, { opacity: 0.55 });
      }),
      circle(x, 150, 40, paint.pale),
      circle(x, 150, 27, paint.warm),
    ];
  },
  function arches(random, paint) {
    const x = between(random, 80, 120);
    const colours = [paint.dark, paint.cool, paint.warm, paint.pale];
    return colours.map((colour, i) => {
      const r = 82 - i * 20;
      return path(`M${x - r} 300V118a${r} ${r} 0 0 1 ${2 * r} 0V300Z`, colour, { opacity: 0.88 });
    });
  },
  function halftone(random, paint) {
    const [x, y] = [between(random, 20, 180), between(random, 20, 110)];
    return range(88).map((i) => {
      const [cx, cy] = [(i % 8) * 25 + 12.5 * (Math.floor(i / 8) % 2), Math.floor(i / 8) * 21 + 8];
      const r = 11.5 - Math.hypot(cx - x, cy - y) / 15;
      return r > 0.8 && circle(cx, cy, r, (i * 7) % 5 ? paint.pale : paint.warm, { opacity: 0.9 });
    });
  },
  function bands(random, paint) {
    const slope = between(random, -70, 70);
    const colours = [paint.warm, paint.pale, paint.cool, paint.dark];
    return colours.map((colour, i) => {
      const y = 38 + i * 38 + random() * 8;
      return path(`M0 ${y}L200 ${y + slope}v24L0 ${y + 24}Z`, colour, { opacity: 0.9 });
    });
  },
  function eclipse(random, paint) {
    const [x, y, shift] = [between(random, 80, 120), 104, between(random, 16, 38) * (random() < 0.5 ? -1 : 1)];
    return [
      circle(x, y, 80, paint.cool, { opacity: 0.35 }),
      circle(x, y, 62, paint.warm),
      circle(x + shift, y - 8, 56, paint.dark),
      ...range(14).map(() => circle(random() * 200, random() * 190, between(random, 0.7, 1.9), paint.pale)),
    ];
  },
  function petals(random, paint) {
    const n = 6 + Math.floor(random() * 5);
    return [
      ...range(n).map((i) =>
        svg("ellipse", {
          cx: 100,
          cy: 58,
          rx: 21,
          ry: 50,
          fill: [paint.warm, paint.cool, paint.pale][i % 3],
          opacity: 0.62,
          transform: `rotate(${(360 / n) * i} 100 108)`,
        }),
      ),
      circle(100, 108, 17, paint.dark),
    ];
  },
];

/** Long titles are set smaller; one long word also, since it cannot break. */
function sizeOf(title) {
  const longest = Math.max(...title.split(/\s+/).map((word) => word.length));
  if (title.length > 42 || longest > 11) return "small";
  return title.length > 20 || longest > 8 ? "middle" : "large";
}

const hueOf = (text) => HUES[fingerprint(text) % HUES.length];

/** FNV-1a, 32 bits. */
function fingerprint(text) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Random numbers in [0, 1) that are always the same for the same text (mulberry32). */
function generator(text) {
  let state = fingerprint(text);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
