// The whole trace in little, of which a part can be chosen to be shown large.

import { Plot } from "./canvas.mjs";
import { duration } from "./format.mjs";
import { html } from "./html.mjs";
import { colour } from "./theme.mjs";

const COLUMNS = 400;
const LINES = 22;
const PATH = 3;
const TALL = LINES * 2 + PATH + 1;

/** The part of the trace that the address names, `[from, to]` in nanoseconds after its start. */
export function zoomed(trace, text) {
  const whole = Math.max(1, trace.duration_nanos);
  const [from, to] = (text ?? "").split("-").map(Number);
  return from >= 0 && to > from && from < whole ? [from, Math.min(to, whole)] : [0, whole];
}

/** A part with `factor` of the length, around `middle`; null for the whole. */
export function scaled(trace, [from, to], factor, middle = (from + to) / 2) {
  const whole = Math.max(1, trace.duration_nanos);
  const length = Math.max(1000, (to - from) * factor);
  if (length >= whole) return "";
  const begin = Math.round(Math.min(Math.max(middle - length / 2, 0), whole - length));
  return `${begin}-${Math.round(begin + length)}`;
}

export function Minimap({ trace, zoom, change }) {
  const { columns } = trace;
  const whole = Math.max(1, trace.duration_nanos);
  const isWhole = zoom[0] === 0 && zoom[1] === whole;
  const draw = (context, width) => {
    const place = (nanos) => (nanos * width) / whole;
    for (const [row, from, to, isBad] of runs(trace, Math.max(1, Math.round(width)))) {
      context.fillStyle = colour(isBad ? "bad" : "quiet");
      context.fillRect(from, row * 2, to - from, 2);
    }
    context.fillStyle = colour("ink");
    const path = [];
    const { begins, ends } = trace.critical;
    begins.forEach((from, piece) => join(path, from, ends[piece], whole / width));
    for (const [from, to] of path) context.fillRect(place(from), TALL - PATH, Math.max(1, place(to) - place(from)), PATH);
    if (isWhole) return;
    context.fillStyle = colour("paper");
    context.globalAlpha = 0.7;
    context.fillRect(0, 0, place(zoom[0]), TALL);
    context.fillRect(place(zoom[1]), 0, width, TALL);
  };
  const at = (column) => Math.round((column * whole) / COLUMNS);
  const choose = ({ left, right }) => (left === right ? change("") : change(`${at(left)}-${at(right + 1)}`));
  const tell = ({ left, right }) => (left === right ? `at ${duration(at(left))}` : `${duration(at(left))} to ${duration(at(right + 1))}, ${duration(at(right + 1) - at(left))} long`);
  return html`<div class="minimap"><${Plot} label=${`The whole trace of ${columns.span_id.length} spans`} columns=${COLUMNS} height=${TALL}
    draw=${draw} of=${[trace, zoom[0], zoom[1]]} tell=${tell} choose=${choose} /></div>`;
}

/** What is to be filled, line by line: spans of neighbouring rows share a line, so that there are few, however many spans. */
function runs({ columns, duration_nanos: nanos }, width) {
  const whole = Math.max(1, nanos);
  const count = columns.span_id.length;
  const lines = Math.min(LINES, count);
  const begun = [new Int32Array(lines * (width + 1)), new Int32Array(lines * (width + 1))];
  for (let row = 0; row < count; row += 1) {
    const line = Math.floor((row * lines) / count) * (width + 1);
    const from = Math.min(Math.floor((columns.offset_nanos[row] * width) / whole), width - 1);
    const to = Math.min(Math.max(Math.ceil(((columns.offset_nanos[row] + Math.max(0, columns.duration_nanos[row])) * width) / whole), from + 1), width);
    const kind = begun[columns.status[row] === 2 ? 1 : 0];
    kind[line + from] += 1;
    kind[line + to] -= 1;
  }
  const found = [];
  begun.forEach((kind, isBad) => {
    for (let line = 0; line < lines; line += 1) {
      let open = 0;
      let from = 0;
      for (let x = 0; x <= width; x += 1) {
        const now = open + kind[line * (width + 1) + x];
        if (open === 0 && now > 0) from = x;
        if (open > 0 && now === 0) found.push([line, from, x, isBad === 1]);
        open = now;
      }
    }
  });
  return found;
}

/** Adds a piece of a path to those before it, or to the last of them where less than `gap` is between. */
export function join(pieces, from, to, gap) {
  const last = pieces.at(-1);
  if (last && from - last[1] <= gap) last[1] = Math.max(last[1], to);
  else pieces.push([from, to]);
}
