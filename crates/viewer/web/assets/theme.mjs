// Dark or light: as the system has it, unless somebody chose. What is drawn on a canvas asks here for
// colours, and is drawn anew when they change.

import { choice } from "./chosen.mjs";

const theme = choice("oxitel-theme", ["dark", "light"]);
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

export function startTheme() {
  if (theme.get()) root.dataset.theme = theme.get();
  system.addEventListener("change", theme.tell);
}

export function turnTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  theme.set(root.dataset.theme);
}

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
}

/** Whether it is dark, told anew when that changes. */
export function useTheme() {
  return theme.use(isDark);
}

/** The colour that the style calls `--name`. */
export function colour(name) {
  return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
}
