// The waterfall. Only the rows in sight are elements, and these are used again while it scrolls, so that
// it does however many spans there are.
//
// To assistive technology it is a tree with one stop for the keyboard; the selected row is its active
// descendant.

import { count, duration, hue, value } from "./format.mjs";
import { Component, html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./html.mjs";
import { isForPage } from "./keys.mjs";
import { join } from "./minimap.mjs";

const ROW = 26;
const BEYOND = 10;
const TICKS = 4;
const DEEPEST = 24;
// A piece of the critical path narrower than this part of the line is drawn as one with its neighbour.
const FINEST = 1 / 500;
const MOST_LOGGED = 50;
const MARKS = [
  [1, "its parent was not received"], [2, "its parents form a cycle"], [4, "it has no start"], [8, "it has no end"],
  [16, "its clock was put right"],
];

/** `kept` says by row whether it is shown, null that all are; `zoom` is the part of the time that is; `records` are
 * the log records, if they are known. */
export function Waterfall({ trace, folded, fold, selected, select, matches, kept, zoom, isCritical, records }) {
  const { columns } = trace;
  const box = useRef(null);
  const [sight, setSight] = useState({ top: 0, height: 800 });
  const rows = useMemo(() => unfolded(columns, folded, kept), [trace, folded, kept]);
  const failed = useMemo(() => sums(columns.status), [trace]);
  const found = useMemo(() => matches && new Set(matches.rows), [matches]);
  const at = useMemo(() => indexOf(rows, selected), [rows, selected]);
  const path = useMemo(() => isCritical && pieces(trace, zoom), [trace, isCritical, zoom[0], zoom[1]]);

  useLayoutEffect(() => {
    const look = () => setSight({ top: box.current.scrollTop, height: box.current.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (at < 0) return;
    const { scrollTop, clientHeight } = box.current;
    const top = at * ROW;
    if (top < scrollTop) box.current.scrollTop = top;
    else if (top + 2 * ROW > scrollTop + clientHeight) box.current.scrollTop = top + 2 * ROW - clientHeight;
  }, [at]);

  const toggle = (row) => {
    const next = new Set(folded);
    const id = columns.span_id.at(row);
    if (!next.delete(id)) next.add(id);
    fold(next);
  };
  const move = (to) => rows.length > 0 && select(rows[Math.min(Math.max(to, 0), rows.length - 1)]);
  // What rows do is the same object each time, so that only those are drawn anew that show something else.
  const acts = useRef(null);
  acts.current = { select, toggle };
  const page = Math.max(1, Math.floor(sight.height / ROW) - 2);
  const isParent = selected >= 0 && columns.end[selected] > selected + 1;
  const isFolded = selected >= 0 && folded.has(columns.span_id.at(selected));

  useEffect(() => {
    const press = (event) => {
      if (!isForPage(event)) return;
      const anywhere = { j: () => move(at + 1), k: () => move(at - 1) };
      const inside = {
        ArrowDown: () => move(at + 1), ArrowUp: () => move(at - 1), Home: () => move(0), End: () => move(rows.length - 1),
        PageDown: () => move(at + page), PageUp: () => move(at - page),
        Enter: () => isParent && toggle(selected), " ": () => isParent && toggle(selected),
        ArrowRight: () => isParent && (isFolded ? toggle(selected) : move(at + 1)),
        ArrowLeft: () => (isParent && !isFolded ? toggle(selected) : columns.parent[selected] >= 0 && select(columns.parent[selected])),
      };
      const keys = document.activeElement === box.current ? { ...anywhere, ...inside } : anywhere;
      if (!Object.hasOwn(keys, event.key)) return;
      event.preventDefault();
      keys[event.key]();
    };
    document.addEventListener("keydown", press, true);
    return () => document.removeEventListener("keydown", press, true);
  });

  const first = Math.max(0, Math.floor(sight.top / ROW) - BEYOND);
  const many = Math.ceil(sight.height / ROW) + 2 * BEYOND;
  const shown = Array.from(rows.subarray(first, first + many));
  const part = zoom[1] - zoom[0];
  const logged = useMemo(() => byRow(trace, records), [trace, records]);
  return html`<div class="waterfall">
    <div class="ruler" aria-hidden="true"><span>Span${rows.length < columns.span_id.length && html` <span class="quiet">(${count(rows.length, "row")})</span>`}</span>
      <span class="ticks">${Array.from({ length: TICKS }, (_, tick) => html`<span>${duration(Math.round(zoom[0] + (part * tick) / TICKS))}</span>`)}</span></div>
    <div class="rows" ref=${box} role="tree" tabindex="0" aria-label="Spans" aria-activedescendant=${at >= 0 ? `row-${selected}` : undefined}
      onScroll=${(event) => setSight({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}>
      <div class="all" role="presentation" style=${{ height: `${rows.length * ROW}px` }}>
        ${shown.map((row, index) => html`<${Row} key=${(first + index) % many} trace=${trace} row=${row} top=${(first + index) * ROW} zoom=${zoom}
          isSelected=${row === selected} isFolded=${folded.has(columns.span_id.at(row))} path=${path ? path.get(row) : undefined} logged=${logged.get(row)}
          isDimmed=${Boolean((found && !found.has(row)) || (path && columns.critical_nanos[row] === 0))}
          failedBelow=${failed[columns.end[row]] - failed[row + 1]} acts=${acts} />`)}
      </div>
      ${rows.length === 0 && html`<p class="nothing">No span is left to show.</p>`}
    </div></div>`;
}

class Row extends Component {
  shouldComponentUpdate(next) {
    return Object.keys(next).some((name) => next[name] !== this.props[name]);
  }

  render(props) {
    return drawn(props);
  }
}

function drawn({ trace, row, top, zoom, isSelected, isFolded, isDimmed, path, logged, failedBelow, acts }) {
  const { columns, services, names } = trace;
  const isParent = columns.end[row] > row + 1;
  const hasFailed = columns.status[row] === 2;
  const nanos = columns.duration_nanos[row];
  const percent = (offset) => (100 * (offset - zoom[0])) / (zoom[1] - zoom[0]);
  const [begins, ends] = [percent(columns.offset_nanos[row]), percent(columns.offset_nanos[row] + Math.max(0, nanos))];
  const isInSight = ends >= 0 && begins <= 100;
  const left = Math.min(Math.max(begins, 0), 100);
  const width = Math.min(Math.max(ends, 0), 100) - left;
  const service = services[columns.service[row]];
  const name = names[columns.name[row]] || "(no name)";
  const marks = MARKS.filter(([bit]) => columns.mark[row] & bit).map(([, text]) => text).join("; ");
  const place = left + width <= 80 ? { left: `calc(${left + width}% + 6px)`, right: "auto" }
    : { right: `calc(${left > 20 ? 100 - left : 100 - left - width}% + 4px)`, left: "auto" };
  const flip = (event) => {
    event.stopPropagation();
    acts.current.toggle(row);
  };
  return html`<div class=${`row${isSelected ? " selected" : ""}${isDimmed ? " dimmed" : ""}${hasFailed ? " error" : ""}`} id=${`row-${row}`} role="treeitem"
    aria-level=${columns.depth[row] + 1} aria-selected=${isSelected ? "true" : "false"} aria-expanded=${isParent ? String(!isFolded) : undefined}
    style=${{ transform: `translateY(${top}px)` }} onClick=${() => acts.current.select(row)}>
    <span class="label" style=${{ paddingLeft: `${Math.min(columns.depth[row], DEEPEST) * 14}px` }}>
      <span class="fold" aria-hidden="true" onClick=${isParent ? flip : undefined}>${isParent ? (isFolded ? "▸" : "▾") : ""}</span>
      <span class=${`dot ${hue(service)}`}></span>
      ${hasFailed && html`<span class="bad" aria-hidden="true">!</span><span class="hidden">failed:</span>`}
      <span class="text">${name}</span> <span class="quiet">${service}</span>
      ${isFolded && html`<span class="tag">${columns.end[row] - row - 1}${failedBelow > 0 && html`<span class="bad"> ! ${failedBelow}</span>`}</span>`}
      ${columns.log_records[row] > 0 && html`<span class="tag">${count(columns.log_records[row], "log")}</span>`}
      ${marks && html`<span class="tag" title=${marks}>?<span class="hidden">${marks}</span></span>`}
    </span>
    <span class="line">${isInSight && html`<span class=${`span ${hue(service)}`} style=${{ left: `${left}%`, width: `max(2px, ${width}%)` }}></span>`}
      ${path?.map(([from, to]) => html`<span class="critical" style=${{ left: `${percent(from)}%`, width: `max(1px, ${percent(to) - percent(from)}%)` }}></span>`)}
      ${logged?.map(([offset, severity, text]) => html`<span class=${`logged ${severity}`} title=${text} style=${{ left: `${percent(offset)}%` }}></span>`)}
      ${isInSight && html`<span class=${`length${left + width > 80 && left <= 20 ? " on-bar" : ""}`} style=${place}>${duration(nanos)}</span>`}</span>
  </div>`;
}

/** The rows to show: none below a folded span, and only those that are kept. */
function unfolded({ span_id: ids, end }, folded, kept) {
  const rows = new Int32Array(ids.length);
  const hasFolded = folded.size > 0;
  let length = 0;
  for (let row = 0; row < ids.length;) {
    if (!kept || kept[row]) rows[length++] = row;
    // Ids become texts here, so only those that could be folded do.
    row = hasFolded && end[row] > row + 1 && folded.has(ids.at(row)) ? end[row] : row + 1;
  }
  return rows.subarray(0, length);
}

/** By row when its log records were made, at most some of each. */
function byRow(trace, records) {
  const found = new Map();
  const start = BigInt(trace.start_unix_nanos);
  for (const { row, time_unix_nanos: at, observed_unix_nanos: seen, severity, body } of records ?? []) {
    if (row < 0 || (found.get(row)?.length ?? 0) >= MOST_LOGGED) continue;
    if (!found.has(row)) found.set(row, []);
    found.get(row).push([Number(BigInt(at === "0" ? seen : at) - start), severity, value(body)]);
  }
  return found;
}

/** By row the pieces of the critical path that are in sight. */
function pieces({ critical: { rows, begins, ends } }, [from, to]) {
  const gap = (to - from) * FINEST;
  const found = new Map();
  for (let piece = 0; piece < rows.length; piece += 1) {
    if (ends[piece] < from || begins[piece] > to) continue;
    const row = rows[piece];
    if (!found.has(row)) found.set(row, []);
    join(found.get(row), Math.max(begins[piece], from), Math.min(ends[piece], to), gap);
  }
  return found;
}

/** At each row the number of failed ones before it, so that those of a subtree are a difference. */
function sums(status) {
  const failed = new Int32Array(status.length + 1);
  status.forEach((item, row) => {
    failed[row + 1] = failed[row] + (item === 2 ? 1 : 0);
  });
  return failed;
}

/** `rows` ascend, so half of them can be left out at each look. */
function indexOf(rows, wanted) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return rows[low] === wanted ? low : -1;
}
