// The frame around the lists: the theme button and the drawer.

import { byId } from "./dom.js";

const THEMES = { "": ["dark", "◐", "system"], dark: ["light", "●", "dark"], light: ["", "○", "light"] };

export function wireTheme() {
  const root = document.documentElement;
  const button = byId("theme-button");
  const label = () => {
    const [, sign, name] = THEMES[root.dataset.theme ?? ""];
    button.textContent = sign;
    button.setAttribute("aria-label", `Theme: ${name}`);
    button.title = `Theme: ${name}`;
  };
  button.addEventListener("click", () => {
    const [next] = THEMES[root.dataset.theme ?? ""];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    label();
    try {
      localStorage.setItem("foretaste-theme", next);
    } catch {
      // Storage is switched off: the choice holds for this visit.
    }
  });
  label();
}

export function wireHood() {
  const [hood, button] = [byId("hood"), byId("hood-button")];
  const toggle = (wanted, from = button) => {
    hood.hidden = !wanted;
    document.body.classList.toggle("hood-open", wanted);
    button.setAttribute("aria-expanded", String(wanted));
    (wanted ? byId("hood-close") : from).focus({ preventScroll: true });
  };
  button.addEventListener("click", () => toggle(hood.hidden));
  byId("strip").addEventListener("click", () => toggle(true));
  byId("hood-close").addEventListener("click", () => toggle(false));
  hood.addEventListener("keydown", (event) => event.key === "Escape" && toggle(false));
}
