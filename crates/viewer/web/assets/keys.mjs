// Keys that work on every page: ? lists them, / goes to the query, g and a letter to a page, j and k
// through what can be opened, Esc out of it. Enter needs nothing: rows are links and buttons.

import { go } from "./address.mjs";
import { pause, isPaused } from "./ask.mjs";
import { turnTheme } from "./theme.mjs";
import { turnZone } from "./zone.mjs";

const PAGES = { n: "/", t: "/traces", s: "/services", l: "/logs", m: "/metrics", r: "/runs", c: "/compare", h: "/health", q: "/sql" };

export const KEYS = [
  ["Everywhere", [
    ["?", "this list"], ["/", "to the query"], ["g, then n t s l m r c h q", "to now, traces, services, logs, metrics, runs, compare, health, SQL"], ["j k", "next, previous"],
    ["Enter", "open"], ["Esc", "close, back"], [".", "pause, go on"], ["t", "dark, light"], ["u", "times in UTC, on this machine's clock"],
  ]],
  ["Traces, runs", [["x", "mark for a comparison"], ["d", "compare the two that are marked"], ["s", "what these traces share"]]],
  ["One trace", [
    ["e E", "next, previous error"], ["n N", "next, previous match"], ["w f o l", "waterfall, flame graph, operations, logs"], ["c", "critical path"],
    ["← →", "fold, unfold"], ["[ ]", "fold all, unfold all"], ["+ - 0", "zoom in, out, all"], ["p", "pin"], ["y Y", "copy the id, the address"], ["r", "reload"],
  ]],
];

let isGoing = false;

export function press(event) {
  if (event.key === "Escape" && isTyping(event)) return event.target.blur();
  const wasGoing = isGoing;
  isGoing = false;
  if (!isForPage(event)) return;
  if (wasGoing && Object.hasOwn(PAGES, event.key)) {
    go(PAGES[event.key]);
  } else if (event.key === "g") {
    isGoing = true;
  } else if (event.key === "?") {
    document.getElementById("keys")?.showModal();
  } else if (event.key === "t") {
    turnTheme();
  } else if (event.key === "u") {
    turnZone();
  } else if (event.key === ".") {
    pause(!isPaused());
  } else if (event.key === "/") {
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
  event.stopPropagation();
}

function isTyping(event) {
  return /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "checkbox";
}

/** Whether a page's own keys are meant: not while somebody types, after `g`, or while the list of keys is open. */
export function isForPage(event) {
  return !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.altKey && !isGoing
    && !isTyping(event) && !document.querySelector("dialog[open]");
}

/** Puts a text where it can be pasted from; `say` gets what came of it. */
export function copy(text, say) {
  const done = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("no clipboard"));
  done.then(() => say("copied"), () => say("the browser does not let the page copy"));
}
