// What somebody chose for the page as a whole. The browser keeps it; where nothing may be stored, it
// holds until the page is left.

import { useEffect, useState } from "./html.mjs";

/** A choice among `values`, kept under `key`; null where nobody chose. */
export function choice(key, values) {
  const listeners = new Set();
  const stored = read(key);
  let chosen = values.includes(stored) ? stored : null;
  const tell = () => {
    for (const listener of listeners) listener();
  };
  return {
    get: () => chosen,
    set(value) {
      chosen = value;
      try {
        localStorage.setItem(key, value);
      } catch {
        // It holds until the page is left.
      }
      tell();
    },
    tell,
    /** What `look()` gives, anew whenever the choice changes. */
    use(look) {
      const [state, setState] = useState(look);
      useEffect(() => {
        const listener = () => setState(look());
        listeners.add(listener);
        return () => listeners.delete(listener);
      }, []);
      return state;
    },
  };
}

function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
