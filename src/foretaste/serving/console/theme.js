// Sets the chosen theme before the first paint, so that the page never flashes; runs before the modules.

try {
  const chosen = localStorage.getItem("foretaste-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is switched off: the page follows the system, as it does by default.
}
