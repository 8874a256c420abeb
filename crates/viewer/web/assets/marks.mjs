// Two rows of a list that are marked to be compared, with the pointer or with keys. They are in the
// address as `picked`.

import { change, go, to } from "./address.mjs";
import { html, useEffect } from "./html.mjs";
import { isForPage } from "./keys.mjs";

/** `sides(first, second)` gives what is compared; `keys` are further keys of the page. */
export function useMarks(picked = "", sides, keys = {}) {
  const marked = picked.split(",").filter(Boolean).map(decodeURIComponent);
  const put = (names) => change({ picked: names.map(encodeURIComponent).join(",") }, true);
  const toggle = (name) => put(marked.includes(name) ? marked.filter((it) => it !== name) : [...marked, name].slice(-2));
  const compare = () => marked.length === 2 && go(to("/compare", sides(...marked)));
  useEffect(() => {
    const press = (event) => {
      if (!isForPage(event)) return;
      const row = document.activeElement?.dataset?.row;
      const all = { x: () => row && toggle(row), d: compare, ...keys };
      if (!Object.hasOwn(all, event.key)) return;
      event.preventDefault();
      all[event.key]();
    };
    document.addEventListener("keydown", press, true);
    return () => document.removeEventListener("keydown", press, true);
  });
  const buttons = marked.length > 0 && html`<button type="button" disabled=${marked.length < 2} onClick=${compare}>${marked.length < 2 ? "Mark another to compare" : "Compare the two"} <kbd>d</kbd></button>
    <button type="button" onClick=${() => put([])}>Unmark</button>`;
  return { marked, toggle, buttons };
}

export function Mark({ name, label, marks }) {
  return html`<td class="mark"><input type="checkbox" checked=${marks.marked.includes(name)} aria-label=${`Mark ${label} for a comparison`} onChange=${() => marks.toggle(name)} /></td>`;
}
