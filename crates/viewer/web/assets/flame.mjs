// Where the time of a trace went: spans of the same name under the same parents are one, as wide as the
// time that they and those below them took themselves. As a flame graph, and as a table of operations.

import { Canvas } from "./canvas.mjs";
import { count, duration, hue } from "./format.mjs";
import { html, useMemo, useRef, useState } from "./html.mjs";
import { colour } from "./theme.mjs";

const LINE = 20;
const NARROWEST = 0.5;
// Browsers draw nothing on a canvas that is much higher than this many lines.
const MOST_LINES = 400;

/** The spans of a trace as a tree of nodes; `value` is the time of a node and of all below it. */
export function merged({ columns, services, names }) {
  const root = { depth: -1, children: [], value: 0 };
  const known = new Map();
  const open = [root];
  for (let row = 0; row < columns.span_id.length; row += 1) {
    const depth = columns.depth[row];
    open.length = depth + 1;
    const parent = open[depth];
    const key = `${parent.number ?? ""}/${columns.service[row]}/${columns.name[row]}`;
    let node = known.get(key);
    if (!node) {
      node = { number: known.size, depth, parent, row, children: [], service: services[columns.service[row]], name: names[columns.name[row]] || "(no name)", count: 0, errors: 0, total: 0, self: 0, value: 0, longest: row };
      known.set(key, node);
      parent.children.push(node);
    }
    const nanos = Math.max(0, columns.duration_nanos[row]);
    node.count += 1;
    node.errors += columns.status[row] === 2 ? 1 : 0;
    node.total += nanos;
    node.self += columns.self_nanos[row];
    if (nanos > columns.duration_nanos[node.longest]) node.longest = row;
    open.push(node);
  }
  // Parents are made before their children, so from the end each is complete when its turn comes.
  const nodes = [...known.values()];
  for (const node of nodes.reverse()) {
    node.value += node.self;
    node.parent.value += node.value;
    node.children.sort((a, b) => b.value - a.value);
  }
  root.children.sort((a, b) => b.value - a.value);
  return root;
}

/** What is wide enough to be seen, with its place in parts of the width; the uppermost lines of it. */
function placed(top, width) {
  const found = [];
  const waiting = [[top, 0, 1]];
  while (waiting.length > 0) {
    const [node, from, part] = waiting.pop();
    const line = node.depth - top.depth;
    found.push({ node, from, part, line });
    if (line === MOST_LINES - 1) continue;
    let left = from;
    for (const child of node.children) {
      const share = node.value > 0 ? (part * child.value) / node.value : 0;
      if (share * width >= NARROWEST) waiting.push([child, left, share]);
      left += share;
    }
  }
  return found;
}

export function Flame({ trace, focus, change, open }) {
  const tree = useMemo(() => merged(trace), [trace]);
  const top = useMemo(() => find(tree, (node) => trace.columns.span_id.at(node.row) === focus) ?? tree, [tree, focus]);
  const [width, setWidth] = useState(1000);
  const shown = useMemo(() => placed(top, width), [top, width]);
  const [chosen, setChosen] = useState(null);
  const box = useRef(null);
  const now = chosen && shown.some((it) => it.node === chosen) ? chosen : top;
  const lines = 1 + shown.reduce((most, it) => Math.max(most, it.line), 0);
  const isCut = lines === MOST_LINES && shown.some((it) => it.line === MOST_LINES - 1 && it.node.children.length > 0);

  const draw = (context, room) => {
    if (room !== width) return setWidth(room);
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    const [paper, ink] = [colour("paper"), colour("ink")];
    for (const { node, from, part, line } of shown) {
      const [left, wide] = [from * room, Math.max(1, part * room - 1)];
      context.fillStyle = node.errors > 0 ? colour("bad") : node.service === undefined ? colour("quiet") : colour(hue(node.service));
      context.fillRect(left, line * LINE, wide, LINE - 1);
      if (node === now) {
        context.strokeStyle = ink;
        context.lineWidth = 2;
        context.strokeRect(left + 1, line * LINE + 1, Math.max(1, wide - 2), LINE - 3);
      }
      if (wide < 30) continue;
      context.save();
      context.beginPath();
      context.rect(left, line * LINE, wide - 4, LINE);
      context.clip();
      context.fillStyle = paper;
      context.fillText(node.name ?? "all spans", left + 4, line * LINE + LINE / 2);
      context.restore();
    }
    return undefined;
  };
  const under = (event) => {
    const place = box.current.getBoundingClientRect();
    const [x, line] = [(event.clientX - place.left) / Math.max(1, place.width), Math.floor((event.clientY - place.top) / LINE)];
    return shown.find((it) => it.line === line && it.from <= x && x < it.from + it.part)?.node;
  };
  const zoom = (node) => {
    change(node && node !== tree ? trace.columns.span_id.at(node.row) : "");
    setChosen(node);
  };
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const siblings = now.parent?.children ?? [now];
    const beside = (step) => siblings[siblings.indexOf(now) + step];
    const keys = {
      ArrowDown: () => now.children[0], ArrowUp: () => (now === top ? null : now.parent),
      ArrowLeft: () => now !== top && beside(-1), ArrowRight: () => now !== top && beside(1),
    };
    if (Object.hasOwn(keys, event.key)) setChosen(keys[event.key]() || now);
    else if (event.key === "Enter") zoom(now === top ? tree : now);
    else if (event.key === "Backspace") zoom(top.parent ?? tree);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<div class="list flame">
    <p class="quiet">As wide as the time that spans took themselves, those of one name together. Enter or a double click shows one as the whole, Backspace goes out again.</p>
    <div class="plot-box" ref=${box} tabindex="0" role="group" aria-label="Flame graph. Arrows go through spans, Enter shows one as the whole, Backspace goes out again."
      onKeyDown=${press} onPointerMove=${(event) => setChosen(under(event) ?? chosen)} onDblClick=${(event) => { const node = under(event); if (node) zoom(node === top ? tree : node); }}>
      <${Canvas} draw=${draw} of=${[shown, now]} height=${LINE * lines} /></div>
    <div aria-live="polite"><${Told} node=${now} whole=${tree.value} /></div>
    ${isCut && html`<p class="quiet">What lies deeper than ${MOST_LINES} lines shows when one further down is made the whole.</p>`}
    <p class="buttons">${now.row !== undefined && html`<button type="button" onClick=${() => open(now.longest)}>Longest span in the waterfall</button>`}
      ${top !== tree && html`<button type="button" onClick=${() => zoom(tree)}>Show all spans</button>`}</p>
  </div>`;
}

function Told({ node, whole }) {
  if (node.row === undefined) return html`<p><strong>All spans</strong> ${duration(node.value)}</p>`;
  const part = (nanos) => (whole > 0 ? `${((100 * nanos) / whole).toFixed(1)} %` : "–");
  return html`<p><strong>${node.name}</strong> <bdi class="quiet">${node.service}</bdi> · ${count(node.count, "span")}${node.errors > 0 && html` · <strong class="bad">${node.errors} failed</strong>`}
    · with what is below ${duration(node.value)} (${part(node.value)}) · itself ${duration(node.self)} (${part(node.self)})</p>`;
}

function find(tree, holds) {
  const waiting = [...tree.children];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (holds(node)) return node;
    waiting.push(...node.children);
  }
  return null;
}

const SORTS = {
  self: (a, b) => b.self - a.self, total: (a, b) => b.total - a.total, critical: (a, b) => b.critical - a.critical,
  count: (a, b) => b.count - a.count, errors: (a, b) => b.errors - a.errors,
};

/** The operations of a trace with what they took, each row the way to its longest span. */
export function Operations({ trace, sort, change, open }) {
  const operations = useMemo(() => grouped(trace), [trace]);
  const by = Object.hasOwn(SORTS, sort ?? "") ? sort : "self";
  const rows = [...operations].sort(SORTS[by]);
  const whole = operations.reduce((all, it) => all + it.self, 0) || 1;
  const head = (key, text) => html`<th scope="col" class="number" aria-sort=${key === by ? "descending" : undefined}>
    <button type="button" class="sort" onClick=${() => change(key === "self" ? "" : key)}>${text}${key === by && html`<span aria-hidden="true"> ▾</span>`}</button></th>`;
  return html`<div class="list"><table>
    <thead><tr><th scope="col">Operation</th>${head("count", "Spans")}${head("errors", "Errors")}${head("self", "Itself")}${head("total", "In all")}${head("critical", "Critical path")}</tr></thead>
    <tbody>${rows.map((it) => html`<tr class=${it.errors > 0 ? "error" : ""}><td class="name"><button type="button" data-row class="link" onClick=${() => open(it.longest)}>${it.name}</button> <span class="quiet">${it.service}</span></td>
      <td class="number">${it.count.toLocaleString("en")}</td><td class="number">${it.errors > 0 ? html`<strong class="bad">${it.errors}</strong>` : "0"}</td>
      <td class="number">${duration(it.self)} <span class="quiet">${((100 * it.self) / whole).toFixed(1)} %</span></td><td class="number">${duration(it.total)}</td><td class="number">${duration(it.critical)}</td></tr>`)}</tbody>
  </table></div>`;
}

export function grouped({ columns, services, names }) {
  const known = new Map();
  for (let row = 0; row < columns.span_id.length; row += 1) {
    const key = columns.service[row] * names.length + columns.name[row];
    let it = known.get(key);
    if (!it) {
      it = { service: services[columns.service[row]], name: names[columns.name[row]] || "(no name)", count: 0, errors: 0, self: 0, total: 0, critical: 0, longest: row };
      known.set(key, it);
    }
    const nanos = Math.max(0, columns.duration_nanos[row]);
    it.count += 1;
    it.errors += columns.status[row] === 2 ? 1 : 0;
    it.self += columns.self_nanos[row];
    it.total += nanos;
    it.critical += columns.critical_nanos[row];
    if (nanos > columns.duration_nanos[it.longest]) it.longest = row;
  }
  return [...known.values()];
}
