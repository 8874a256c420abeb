// Keys that work on every page: / to the query, j and k through what can be opened, Esc out of it.
// Enter needs nothing: rows are links and buttons.

export const KEYS = [
  ["/", "to the query"], ["j k", "next, previous"], ["Enter", "open; in the waterfall fold"], ["Esc", "close, back"],
  ["e E", "in a trace: next, previous error"], ["n N", "in a trace: next, previous match"], ["← →", "in the waterfall: fold, unfold"], ["r", "in a trace: reload"],
];

export function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "Escape" && isTyping) return event.target.blur();
  if (isTyping) return;
  if (event.key === "/") {
    const box = document.getElementById("query");
    box?.focus();
    box?.select();
  } else if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll("[data-row]")];
    const at = rows.indexOf(document.activeElement);
    const next = rows[at < 0 ? 0 : Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), rows.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "Escape") {
    document.querySelector("[data-back]")?.click();
  } else return;
  event.preventDefault();
}

/** Whether a page's own keys are meant: not while somebody types. */
export function isForPage(event) {
  return !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.altKey
    && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
}
