// Log records, the newest first, each with the way to its trace.

import { to } from "./address.mjs";
import { useAnswer, useTick } from "./ask.mjs";
import { count, hue, time, value } from "./format.mjs";
import { html, useState } from "./html.mjs";
import { Attributes, Choice, Facets, Problem, QueryBox, TIMES } from "./parts.mjs";

const SEVERITIES = [["", "all"], ["debug", "debug"], ["info", "info"], ["warn", "warn"], ["error", "error"], ["fatal", "fatal"]];
const SORTS = [["", "newest"], ["oldest", "oldest"]];
const PAGE = 200;
const MOST = 1000;

export function Logs({ parameters }) {
  const { q = "", from, least, sort } = parameters;
  const [limit, setLimit] = useState(PAGE);
  const tick = useTick(1000);
  const facetTick = useTick(5000);
  const whole = least ? `severity>=${least}${q ? ` (${q})` : ""}` : q;
  const { answer, problem } = useAnswer("/api/logs", { q: whole, from, sort, limit }, tick);
  // The address has the query without the severity, so the place moves by what was put before it.
  const shift = least ? `severity>=${least} (`.length : 0;
  const moved = problem?.parameter === "q" ? { ...problem, message: problem.message, position: problem.position - shift } : problem;
  return html`<h1 class="hidden">Logs</h1>
    <${QueryBox} label="Query of log records" query=${q} problem=${moved} placeholder='service:shop "sold out"' />
    <div class="choices">
      <${Choice} label="At least" name="least" chosen=${least} choices=${SEVERITIES} />
      <${Choice} label="Sort" name="sort" chosen=${sort} choices=${SORTS} />
      <${Choice} label="Time" name="from" chosen=${from} choices=${TIMES} />
      ${answer && html`<span class="quiet">${count(answer.total, "log record")}${answer.truncated && html`, ${answer.returned} shown`}</span>`}
    </div>
    <${Problem} problem=${problem} />
    <div class="with-facets">
      <${Facets} path="/api/logs/facets" query=${q} from=${from} tick=${facetTick} keys="service,severity,scope,event" counted="records" />
      <div class="list">
        ${answer?.data.length === 0 && html`<p class="nothing">${whole || from ? html`No log record fits. <a href="/logs">Show all</a>` : "No log record has arrived yet."}</p>`}
        <ol class="records">${answer?.data.map((record) => html`<${Record} key=${record.id} record=${record} />`)}</ol>
        ${answer?.truncated && (limit < MOST
          ? html`<button type="button" onClick=${() => setLimit(MOST)}>Show up to ${MOST}</button>`
          : html`<p class="quiet">Older ones: narrow the query.</p>`)}
      </div>
    </div>`;
}

export function Record({ record, isInTrace = false }) {
  const [isOpen, setOpen] = useState(false);
  const body = value(record.body) || record.event_name || "(no body)";
  return html`<li class=${`record ${record.severity}`}>
    <div class="head">
      <button type="button" data-row class="plain" aria-expanded=${isOpen ? "true" : "false"} onClick=${() => setOpen(!isOpen)}>
        <span class="time">${time(record.time_unix_nanos !== "0" ? record.time_unix_nanos : record.observed_unix_nanos)}</span>
        <span class=${`severity ${record.severity}`}>${record.severity_text || record.severity}</span>
        <span class=${`service ${hue(record.service)}`}>${record.service}</span>
        <span class="body">${body}</span></button>
      ${record.trace_id && !isInTrace && html`<a class="to-trace" href=${to(`/traces/${record.trace_id}`, { span: record.span_id })}
        aria-label=${`Trace of: ${body.slice(0, 60)}`}>trace</a>`}
    </div>
    ${isOpen && html`<div class="inside">
      ${body.length > 100 && html`<pre class="value">${body}</pre>`}
      <${Attributes} title="Attributes" attributes=${record.attributes} dropped=${record.dropped_attributes} />
      <${Attributes} title="Resource" attributes=${record.resource?.attributes ?? []} dropped=${record.resource?.dropped_attributes} />
      <p class="quiet">${record.scope?.name && html`Scope <bdi>${[record.scope.name, record.scope.version].filter(Boolean).join(" ")}</bdi>. `}Severity number ${record.severity_number}.</p>
    </div>`}
  </li>`;
}
