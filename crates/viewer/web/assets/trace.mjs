// One trace: its head, its waterfall or its log records, and the selected span.

import { change, go, to } from "./address.mjs";
import { useAnswer, useTick } from "./ask.mjs";
import { count, duration, hue, time } from "./format.mjs";
import { html, useEffect, useMemo, useRef, useState } from "./html.mjs";
import { isForPage } from "./keys.mjs";
import { Record } from "./logs.mjs";
import { Problem, QueryBox } from "./parts.mjs";
import { Span } from "./span.mjs";
import { Waterfall } from "./waterfall.mjs";

// Larger traces are asked for again by hand: their answer is some megabytes.
const MOST_LIVE_SPANS = 5000;
// Addresses longer than some thousand letters are not passed on everywhere.
const MOST_FOLDED_IN_ADDRESS = 50;

export function Trace({ id, parameters }) {
  const { find = "", q, sort, from, span, view } = parameters;
  const back = to("/traces", { q, sort, from });
  const tick = useTick(2000);
  const [asked, setAsked] = useState(0);
  const isLarge = useRef(false);
  const settled = useRef(0);
  if (!isLarge.current) settled.current = tick;
  const { answer: trace, problem } = useAnswer(`/api/traces/${encodeURIComponent(id)}`, {}, settled.current + asked * 1e9);
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
  return html`<${Whole} trace=${trace} back=${back} query=${find} matches=${find ? found : null} problem=${find ? wrong ?? problem : problem} span=${span} view=${view}
    folded=${parameters.fold} reload=${() => setAsked(asked + 1)} />`;
}

function Whole({ trace, back, query, matches, problem, span, view, folded: foldedInAddress, reload }) {
  const { columns } = trace;
  const [folded, setFolded] = useState(() => new Set(foldedInAddress?.split(",") ?? []));
  const rowOf = useMemo(() => new Map(columns.span_id.map((key, row) => [key, row])), [trace]);
  const errors = useMemo(() => rowsWhere(columns.status, (status) => status === 2), [trace]);
  const selected = rowOf.get(span) ?? -1;
  const rows = matches?.rows ?? [];

  const fold = (next) => {
    setFolded(next);
    const isShort = next.size > 0 && next.size <= MOST_FOLDED_IN_ADDRESS;
    change({ fold: isShort ? [...next].join(",") : "" }, true);
  };
  const select = (row) => {
    const next = new Set(folded);
    for (let above = columns.parent[row]; above >= 0; above = columns.parent[above]) next.delete(columns.span_id[above]);
    if (next.size !== folded.size) fold(next);
    change({ span: columns.span_id[row] }, true);
  };
  const jump = (list, isForward) => {
    if (list.length === 0) return;
    const at = isForward ? list.find((row) => row > selected) : list.findLast((row) => row < selected);
    select(at ?? list.at(isForward ? 0 : -1));
  };
  const close = () => (span ? change({ span: "" }, true) : go(back));

  useEffect(() => {
    const press = (event) => {
      if (!isForPage(event)) return;
      const keys = {
        e: () => jump(errors, true), E: () => jump(errors, false), n: () => jump(rows, true), N: () => jump(rows, false),
        r: reload, Escape: close,
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
        ${trace.corrections.map((correction) => html` <span class="tag" title="The clock of this service was put right">clock of ${correction.service} moved by ${duration(Math.abs(correction.nanos))}</span>`)}</p>
      <p class="quiet"><code>${trace.trace_id}</code> · <a data-back href=${back}>All traces</a> · <a href=${`/api/traces/${trace.trace_id}/otlp`} target="_blank" rel="noopener">OTLP/JSON</a></p>
    </div>
    <div class="choices">
      <${QueryBox} label="Search in this trace" parameter="find" query=${query} problem=${problem} placeholder="Search in this trace: status:error, name:SELECT*, db.system.name=sqlite" />
      <div class="buttons">
        ${matches && html`<span class="quiet" role="status">${count(matches.total, "span")} found</span>
          <button type="button" disabled=${rows.length === 0} onClick=${() => jump(rows, true)}>Next match <kbd>n</kbd></button>`}
        <button type="button" disabled=${errors.length === 0} onClick=${() => jump(errors, true)}>Next error <kbd>e</kbd></button>
        <button type="button" onClick=${() => fold(folded.size > 0 ? new Set() : foldable(columns))}>${folded.size > 0 ? "Unfold all" : "Fold all"}</button>
        <button type="button" onClick=${reload}>Reload <kbd>r</kbd></button>
        <button type="button" aria-pressed=${view === "logs" ? "true" : "false"} onClick=${() => change({ view: view === "logs" ? "" : "logs" })}>Logs (${trace.log_records})</button>
      </div>
    </div>
    <${Problem} problem=${problem} />
    <div class="trace-body">
      ${view === "logs" ? html`<${Logs} trace=${trace} />`
        : html`<${Waterfall} trace=${trace} folded=${folded} fold=${fold} selected=${selected} select=${select} matches=${matches} />`}
      ${span && html`<${Span} trace=${trace.trace_id} id=${span} close=${() => change({ span: "" }, true)} isHere=${selected >= 0} />`}
    </div>
  </div>`;
}

function rowsWhere(column, holds) {
  const rows = [];
  column.forEach((item, row) => holds(item) && rows.push(row));
  return rows;
}

/** All spans below a root that have children: what is left is one level. */
function foldable({ span_id: ids, depth, end }) {
  return new Set(ids.filter((_, row) => depth[row] > 0 && end[row] > row + 1));
}

function Logs({ trace }) {
  const { answer, problem } = useAnswer(`/api/traces/${trace.trace_id}/logs`, {}, trace.log_records);
  return html`<div class="list"><h2 class="hidden">Log records</h2><${Problem} problem=${problem} />
    ${answer?.data.length === 0 && html`<p class="nothing">No log record names this trace.</p>`}
    <ol class="records">${answer?.data.map((record) => html`<${Record} key=${record.id} record=${record} isInTrace=${true} />`)}</ol></div>`;
}
