// Dark or light: as the system has it, unless somebody chose. What is drawn on a canvas asks here for
// colours, and is drawn anew when they change.

import { useEffect, useState } from "./html.mjs";

const KEY = "oxitel-theme";
const listeners = new Set();
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

export function startTheme() {
  const chosen = stored();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
  system.addEventListener("change", tell);
}

export function turnTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  try {
    localStorage.setItem(KEY, root.dataset.theme);
  } catch {
    // Where nothing may be stored, the choice holds until the page is left.
  }
  tell();
}

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
}

function tell() {
  for (const listener of listeners) listener();
}

/** Whether it is dark, told anew when that changes. */
export function useTheme() {
  const [state, setState] = useState(isDark);
  useEffect(() => {
    const listener = () => setState(isDark());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return state;
}

/** The colour that the style calls `--name`. */
export function colour(name) {
  return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
}
