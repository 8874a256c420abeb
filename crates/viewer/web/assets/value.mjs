// A value as it is shown: short ones as text, lists, maps and JSON in texts as a tree that unfolds, long
// texts by their beginning. What is folded is no element yet, however large it is.

import { count, value } from "./format.mjs";
import { html, useMemo, useState } from "./html.mjs";

// Letters of a list, a map or JSON up to which it is shown as it is, and of other texts.
const SHORT = 60;
const LONG = 2000;
const MOST_READ = 1_000_000;
const PREVIEW = 80;
const MOST_ITEMS = 100;

export function Value({ typed }) {
  const text = useMemo(() => value(typed), [typed]);
  const tree = useMemo(() => (text.length > SHORT ? treeOf(typed) : null), [typed]);
  const [isText, setText] = useState(false);
  if (!tree) return html`<${Text} text=${text} />`;
  return html`<div class="value tree">${isText ? html`<${Text} text=${text} />` : html`<${Node} node=${tree} />`}
    <button type="button" class="link" onClick=${() => setText(!isText)}>${isText ? "Show as a tree" : "Show as text"}</button></div>`;
}

function Text({ text }) {
  const [isWhole, setWhole] = useState(false);
  if (isWhole || text.length <= LONG) return html`<span class="value">${text}</span>`;
  return html`<span class="value">${text.slice(0, LONG)}…</span> <button type="button" class="link" onClick=${() => setWhole(true)}>Show all ${count(text.length, "character")}</button>`;
}

function Node({ name, node }) {
  const [isOpen, setOpen] = useState(false);
  const [most, setMost] = useState(MOST_ITEMS);
  const label = name === undefined ? "" : html`<span class="key">${name}</span>: `;
  if (!node.items) return html`<span>${label}<${Text} text=${node.text} /></span>`;
  const [open, close] = node.isList ? "[]" : "{}";
  if (node.items.length === 0) return html`<span>${label}${open}${close}</span>`;
  return html`<button type="button" class="branch" aria-expanded=${isOpen ? "true" : "false"} onClick=${() => setOpen(!isOpen)}><span aria-hidden="true">${isOpen ? "▾" : "▸"} </span>${label}<span class="quiet">${
      isOpen ? count(node.items.length, "item") : `${open}${preview(node)}${close}`}</span></button>
    ${isOpen && html`<ul>${node.items.slice(0, most).map(([key, item]) => html`<li><${Node} name=${key} node=${item} /></li>`)}
      ${node.items.length > most && html`<li><button type="button" class="link" onClick=${() => setMost(most + MOST_ITEMS)}>${node.items.length - most} more</button></li>`}</ul>`}`;
}

function preview({ items, isList }) {
  let text = "";
  for (const [key, item] of items) {
    const shown = item.items ? (item.isList ? "[…]" : "{…}") : item.text;
    text += `${text && ", "}${isList ? "" : `${key}: `}${shown.slice(0, PREVIEW)}`;
    if (text.length > PREVIEW) return `${text.slice(0, PREVIEW)}…`;
  }
  return text;
}

/** The tree of a value; null for one that has no parts. */
function treeOf(typed) {
  if (typed?.type === "array") return { isList: true, items: typed.value.map((item, index) => [index, ofTyped(item)]) };
  if (typed?.type === "map") return { isList: false, items: typed.value.map((item) => [item.key, ofTyped(item)]) };
  return typed?.type === "string" ? ofText(typed.value) : null;
}

function ofTyped(typed) {
  return treeOf(typed) ?? { text: value(typed, true) };
}

/** The tree of a text that is JSON; null for others. */
function ofText(text) {
  if (text.length > MOST_READ || !/^\s*[[{]/.test(text)) return null;
  try {
    return ofJson(JSON.parse(text, exact));
  } catch {
    return null;
  }
}

class Digits {
  constructor(text) {
    this.text = text;
  }
}

/** Numbers as they were written: some have more digits than JavaScript's numbers can hold. */
function exact(_, held, context) {
  return typeof held === "number" ? new Digits(context?.source ?? String(held)) : held;
}

function ofJson(held) {
  if (Array.isArray(held)) return { isList: true, items: held.map((item, index) => [index, ofJson(item)]) };
  if (held instanceof Digits) return { text: held.text };
  if (held !== null && typeof held === "object") return { isList: false, items: Object.entries(held).map(([key, item]) => [key, ofJson(item)]) };
  return { text: JSON.stringify(held) };
}
