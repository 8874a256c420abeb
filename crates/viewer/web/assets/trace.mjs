// One trace: its head, the views of it (waterfall, flame graph, operations, log records), and the
// selected span.

import { change, go, to } from "./address.mjs";
import { tellViewer, useAnswer, useTick } from "./ask.mjs";
import { Flame, grouped, Operations } from "./flame.mjs";
import { count, duration, hue, time } from "./format.mjs";
import { html, useEffect, useMemo, useRef, useState } from "./html.mjs";
import { copy, isForPage } from "./keys.mjs";
import { Record } from "./logs.mjs";
import { Minimap, scaled, zoomed } from "./minimap.mjs";
import { readPacked } from "./packed.mjs";
import { Choice, Problem, Views } from "./parts.mjs";
import { QueryBox } from "./query.mjs";
import { Span } from "./span.mjs";
import { Waterfall } from "./waterfall.mjs";

// Larger traces are asked for again by hand: their answer is some megabytes.
const MOST_LIVE_SPANS = 5000;
// Log records that are asked for with a waterfall, to be marked in it.
const MOST_RECORDS = 1000;
// Addresses longer than some thousand letters are not passed on everywhere.
const MOST_FOLDED_IN_ADDRESS = 50;
const SHORTEST = [["", "all"], ["100000", "0.1 ms and longer"], ["1000000", "1 ms and longer"], ["10000000", "10 ms and longer"], ["1%", "1 % and longer"]];
const ROWS = [["", "all"], ["found", "what was found"], ["critical", "the critical path"], ["errors", "errors"]];

export function Trace({ id, parameters }) {
  const { find = "", q, sort, from, to: until, span } = parameters;
  const back = to("/traces", { q, sort, from, to: until });
  const tick = useTick(2000);
  const [asked, setAsked] = useState(0);
  const isLarge = useRef(false);
  const settled = useRef(0);
  if (!isLarge.current) settled.current = tick;
  const { answer: trace, problem } = useAnswer(`/api/traces/${encodeURIComponent(id)}`, { form: "packed" }, settled.current + asked * 1e9, readPacked);
  isLarge.current = trace !== null && trace.spans > MOST_LIVE_SPANS;
  // `latest` and beginnings of ids lead to the id, so that the address means the same tomorrow.
  useEffect(() => {
    if (trace && trace.trace_id !== id) {
      history.replaceState(null, "", to(`/traces/${trace.trace_id}`, parameters));
      dispatchEvent(new PopStateEvent("popstate"));
    }
  }, [trace]);
  const path = find ? `/api/traces/${encodeURIComponent(id)}/matches` : null;
  const { answer: found, problem: wrong } = useAnswer(path, { q: find }, settled.current);
  if (!trace) {
    return html`<p><a data-back href=${back}>All traces</a></p><${Problem} problem=${problem} />
      ${!problem && html`<p class="quiet" role="status">Loading the trace …</p>`}`;
  }
  const matches = find ? found : null;
  return html`<${Whole} trace=${trace} back=${back} query=${find} matches=${matches} problem=${(find && wrong) || problem} span=${span}
    parameters=${parameters} reload=${() => setAsked(asked + 1)} />`;
}

function Whole({ trace, back, query, matches, problem, span, parameters, reload }) {
  const { columns } = trace;
  const { view = "", critical, hide = "", rows: shown = "" } = parameters;
  const isWaterfall = view === "" || !VIEWS.some(([key]) => key === view);
  const [folded, setFolded] = useState(() => new Set(parameters.fold?.split(",") ?? []));
  const [said, say] = useState("");
  const errors = useMemo(() => rowsWhere(columns.status, (status) => status === 2), [trace]);
  const selected = useMemo(() => (span ? columns.span_id.indexOf(span) : -1), [trace, span]);
  const rows = matches?.rows ?? [];
  const zoom = useMemo(() => zoomed(trace, parameters.zoom), [trace, parameters.zoom]);
  const hasRecords = trace.log_records > 0 && (trace.log_records <= MOST_RECORDS || view === "logs");
  const { answer: records, problem: unlogged } = useAnswer(hasRecords ? `/api/traces/${trace.trace_id}/logs` : null, {}, trace.log_records);
  const kept = useMemo(() => keep(trace, hide, shown, matches), [trace, hide, shown, matches]);

  const fold = (next) => {
    setFolded(next);
    const isShort = next.size > 0 && next.size <= MOST_FOLDED_IN_ADDRESS;
    change({ fold: isShort ? [...next].join(",") : "" }, true);
  };
  const select = (row) => {
    const next = new Set(folded);
    for (let above = columns.parent[row]; above >= 0; above = columns.parent[above]) next.delete(columns.span_id.at(above));
    if (next.size !== folded.size) fold(next);
    change({ span: columns.span_id.at(row) }, true);
  };
  const open = (row) => {
    change({ view: "", hide: "", rows: "" });
    select(row);
  };
  const jump = (list, isForward) => {
    if (list.length === 0) return;
    const at = isForward ? list.find((row) => row > selected) : list.findLast((row) => row < selected);
    select(at ?? list.at(isForward ? 0 : -1));
  };
  const close = () => (span ? change({ span: "" }, true) : go(back));
  const setZoom = (text) => change({ zoom: text }, true);
  const middle = selected >= 0 ? columns.offset_nanos[selected] + Math.max(0, columns.duration_nanos[selected]) / 2 : undefined;
  const look = (name) => change({ view: view === name ? "" : name });
  const light = () => change({ critical: critical ? "" : "1" });
  const pin = () => tellViewer("/api/pins", { trace_id: trace.trace_id, pinned: !trace.pinned }).then(reload, (failure) => say(failure.message));

  useEffect(() => {
    const press = (event) => {
      if (!isForPage(event)) return;
      const keys = {
        e: () => jump(errors, true), E: () => jump(errors, false), n: () => jump(rows, true), N: () => jump(rows, false),
        r: reload, Escape: close, c: light, f: () => look("flame"), o: () => look("operations"), l: () => look("logs"), w: () => change({ view: "" }),
        "+": () => setZoom(scaled(trace, zoom, 0.5, middle)), "-": () => setZoom(scaled(trace, zoom, 2, middle)), 0: () => setZoom(""),
        "[": () => fold(foldable(columns)), "]": () => fold(new Set()), p: pin,
        y: () => copy(span || trace.trace_id, say), Y: () => copy(location.href, say),
      };
      if (!Object.hasOwn(keys, event.key)) return;
      event.preventDefault();
      keys[event.key]();
    };
    document.addEventListener("keydown", press, true);
    return () => document.removeEventListener("keydown", press, true);
  });

  return html`<div class="trace">
    <div class="trace-head">
      <h1>${trace.root_name || "(no name)"}</h1>
      <p>${trace.services.map((service) => html`<span class=${`service ${hue(service)}`}>${service}</span>`)}
        <span>${time(trace.start_unix_nanos)}</span> · <strong>${duration(trace.duration_nanos)}</strong> · <span>${count(trace.spans, "span")}</span>
        ${trace.errors > 0 && html` · <strong class="bad">${count(trace.errors, "error")}</strong>`}
        ${!trace.complete && html` <span class="tag">no root span arrived</span>`}
        <${Usual} trace=${trace} />
        ${trace.runs.some((run) => run.instance) && html` · <a href=${to("/runs", { q: `trace=${trace.trace_id}` })}>${trace.runs.length === 1 ? "its run" : count(trace.runs.length, "run")}</a>`}
        ${trace.corrections.map((correction) => html` <span class="tag" title="The clock of this service was put right">clock of ${correction.service} moved by ${duration(Math.abs(correction.nanos))}</span>`)}</p>
      <p class="quiet"><code>${trace.trace_id}</code> · <a data-back href=${back}>All traces</a> · <a href=${to("/compare", { a: `trace:${trace.trace_id}` })}>Compare</a>
        ${" · "}<a href=${`/api/traces/${trace.trace_id}/otlp`} target="_blank" rel="noopener">OTLP/JSON</a>
        ${" · "}<button type="button" class="link" aria-pressed=${trace.pinned ? "true" : "false"} onClick=${pin}>${trace.pinned ? "Pinned" : "Pin"}</button> <span role="status">${said}</span></p>
    </div>
    <div class="choices">
      <${QueryBox} label="Search in this trace" parameter="find" query=${query} problem=${problem?.parameter === "q" ? { ...problem, message: problem.message, parameter: "find" } : null}
        placeholder="Search in this trace: status:error, name:SELECT*" button="Find" />
      <div class="buttons">
        ${matches && html`<span class="quiet" role="status">${count(matches.total, "span")} found</span>
          <button type="button" disabled=${rows.length === 0} onClick=${() => jump(rows, true)}>Next match <kbd>n</kbd></button>`}
        <button type="button" disabled=${errors.length === 0} onClick=${() => jump(errors, true)}>Next error <kbd>e</kbd></button>
        <button type="button" onClick=${reload}>Reload <kbd>r</kbd></button>
        <${Views} label="View of the trace" views=${VIEWS.map(([key, text]) => [key, key === "logs" ? `${text} (${trace.log_records})` : text])} chosen=${isWaterfall ? "" : view} />
      </div>
    </div>
    <${Problem} problem=${problem} />
    ${isWaterfall && html`<div class="choices">
      <${Choice} label="Spans" name="hide" chosen=${hide} choices=${SHORTEST} />
      <${Choice} label="of" name="rows" chosen=${shown} choices=${ROWS.filter(([key]) => key !== "found" || query || shown === "found")} />
      <button type="button" onClick=${() => fold(folded.size > 0 ? new Set() : foldable(columns))}>${folded.size > 0 ? "Unfold all" : "Fold all"}</button>
      <button type="button" aria-pressed=${critical ? "true" : "false"} onClick=${light}>Critical path <kbd>c</kbd></button>
      ${parameters.zoom && html`<button type="button" onClick=${() => setZoom("")}>${duration(zoom[0])} to ${duration(zoom[1])} × <kbd>0</kbd></button>`}
      ${critical && html`<${Path} trace=${trace} />`}
    </div>
    <${Minimap} trace=${trace} zoom=${zoom} change=${setZoom} />`}
    <div class="trace-body">
      ${view === "logs" && html`<${Logs} answer=${trace.log_records === 0 ? { data: [] } : records} problem=${unlogged} select=${(row) => select(row)} />`}
      ${view === "flame" && html`<${Flame} trace=${trace} focus=${parameters.focus} change=${(focus) => change({ focus })} open=${open} />`}
      ${view === "operations" && html`<${Operations} trace=${trace} sort=${parameters.by} change=${(by) => change({ by }, true)} open=${open} />`}
      ${isWaterfall && html`<${Waterfall} trace=${trace} folded=${folded} fold=${fold} selected=${selected} select=${select} matches=${matches} kept=${kept} zoom=${zoom} isCritical=${Boolean(critical)} records=${records?.data} />`}
      ${span && html`<${Span} trace=${trace.trace_id} id=${span} close=${() => change({ span: "" }, true)} isHere=${selected >= 0} />`}
    </div>
  </div>`;
}

const VIEWS = [["", "Waterfall"], ["flame", "Flame"], ["operations", "Operations"], ["logs", "Logs"]];

/** How slow the trace is among those whose root is alike. */
function Usual({ trace }) {
  const { answer } = useAnswer(trace.complete ? `/api/traces/${trace.trace_id}/spans/${trace.columns.span_id.at(0)}` : null, {}, trace.spans);
  const usual = answer?.usual;
  if (!usual || usual.count < 2) return null;
  return html` <span class="quiet">· slower than ${Math.round(usual.slower_than * 100)} % of <a href=${to("/traces", { q: usual.query, sort: "slowest" })}>${usual.count.toLocaleString("en")} of its kind</a></span>`;
}

/** What the critical path consists of, the most first. */
function Path({ trace }) {
  const most = useMemo(() => grouped(trace).filter((it) => it.critical > 0).sort((a, b) => b.critical - a.critical).slice(0, 3), [trace]);
  const whole = Math.max(1, trace.duration_nanos);
  return html`<span class="quiet">Most of it: ${most.map((it, index) => html`${index > 0 && ", "}${it.name} ${duration(it.critical)} (${Math.round((100 * it.critical) / whole)} %)`)}</span>`;
}

/** By row whether it is shown, with those above what is; null where all are. */
function keep({ columns, duration_nanos: whole }, hide, shown, matches) {
  const least = hide.endsWith("%") ? (whole * parseFloat(hide)) / 100 : Number(hide);
  const wanted = { found: matches && new Set(matches.rows), critical: true, errors: true }[shown];
  if (!(least > 0) && !wanted) return null;
  const isWanted = {
    found: (row) => wanted.has(row), critical: (row) => columns.critical_nanos[row] > 0, errors: (row) => columns.status[row] === 2,
  }[wanted ? shown : ""] ?? (() => true);
  const kept = new Uint8Array(columns.span_id.length);
  // From the end, so that a span is known to be kept before its parent is looked at.
  for (let row = kept.length - 1; row >= 0; row -= 1) {
    const isLong = !(least > 0) || columns.duration_nanos[row] >= least || columns.duration_nanos[row] < 0 || columns.status[row] === 2;
    if (isLong && isWanted(row)) kept[row] = 1;
    if (kept[row] && columns.parent[row] >= 0) kept[columns.parent[row]] = 1;
  }
  return kept;
}

function rowsWhere(column, holds) {
  const rows = [];
  column.forEach((item, row) => holds(item) && rows.push(row));
  return rows;
}

/** All spans below a root that have children: what is left is one level. */
function foldable({ span_id: ids, depth, end }) {
  const found = new Set();
  for (let row = 0; row < ids.length; row += 1) if (depth[row] > 0 && end[row] > row + 1) found.add(ids.at(row));
  return found;
}

function Logs({ answer, problem, select }) {
  return html`<div class="list"><h2 class="hidden">Log records</h2><${Problem} problem=${problem} />
    ${answer?.data.length === 0 && html`<p class="nothing">No log record names this trace.</p>`}
    <ol class="records">${answer?.data.map((record) => html`<${Record} key=${record.id} record=${record} isInTrace=${true} select=${record.row >= 0 ? () => select(record.row) : null} />`)}</ol></div>`;
}
