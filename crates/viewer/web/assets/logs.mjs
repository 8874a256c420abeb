// Log records: how many there were over time, the records themselves or what they look like, and of
// each the way to its trace.

import { change, to } from "./address.mjs";
import { useAnswer, useTick } from "./ask.mjs";
import { AsCommand, command } from "./command.mjs";
import { count, hue, time, value } from "./format.mjs";
import { begin, Histogram } from "./heatmap.mjs";
import { html, useState } from "./html.mjs";
import { Attributes, Choice, Dropped, Facets, narrowed, Parts, Problem, Time, Views } from "./parts.mjs";
import { QueryBox } from "./query.mjs";
import { Value } from "./value.mjs";

const SEVERITIES = [["", "all"], ["debug", "debug"], ["info", "info"], ["warn", "warn"], ["error", "error"], ["fatal", "fatal"]];
const SORTS = [["", "newest"], ["oldest", "oldest"]];
const VIEWS = [["", "Records"], ["patterns", "Patterns"]];
// What counts most is drawn lowest.
const LAYERS = [["fatal", "bad"], ["error", "bad"], ["warn", "warn"], ["info", "accent"], ["debug", "quiet"], ["trace", "quiet"], ["unspecified", "line"]];
const PAGE = 200;
// Letters of a body that the line of a record shows.
const SHORT_BODY = 60;

export function Logs({ parameters }) {
  const { q = "", from, to: until, least, sort, view = "", before } = parameters;
  const tick = useTick(1000);
  const slowTick = useTick(5000);
  const whole = least ? `severity>=${least}${q ? ` (${q})` : ""}` : q;
  const asked = { q: whole, from, to: until };
  const { answer, problem } = useAnswer("/api/logs", { ...asked, sort, before, limit: PAGE }, tick);
  const { answer: histogram } = useAnswer("/api/logs/histogram", { ...asked, columns: 90 }, slowTick);
  // The address has the query without the severity, so the place moves by what was put before it.
  const shift = least ? `severity>=${least} (`.length : 0;
  const moved = problem?.parameter === "q" ? { ...problem, message: problem.message, position: problem.position - shift } : problem;
  const layers = LAYERS.map(([name, hueOf]) => [name, hueOf, histogram?.counts[name] ?? []]);
  const choose = ({ left, right }) => change({ from: begin(histogram, left), to: begin(histogram, right + 1) });
  return html`<h1 class="hidden">Logs</h1>
    <${QueryBox} label="Query of log records" query=${q} problem=${moved} placeholder='service:shop "sold out"' signal="logs" />
    <div class="choices">
      <${Choice} label="At least" name="least" chosen=${least} choices=${SEVERITIES} />
      ${view === "" && html`<${Choice} label="Sort" name="sort" chosen=${sort} choices=${SORTS} />`}
      <${Time} from=${from} until=${until} />
      <${Dropped} signal="logs" tick=${slowTick} />
      <${Views} label="View of the log records" views=${VIEWS} chosen=${view} />
      ${answer && html`<span class="quiet">${count(answer.total, "log record")}${view === "" && answer.returned < answer.total && html`, ${answer.returned} shown`}</span>`}
      <${AsCommand} text=${command(view === "patterns" ? "patterns" : "logs", [whole], { sort: view === "" && sort, since: from, until })} />
    </div>
    <${Problem} problem=${problem} />
    ${histogram && answer?.total > 0 && html`<${Histogram} label="Log records over time" answer=${histogram} layers=${layers} choose=${choose} noun="log record" />`}
    <div class="with-facets">
      <${Facets} path="/api/logs/facets" query=${q} from=${from} until=${until} tick=${slowTick} keys="service,severity,scope,event" counted="records" />
      <div class="list">
        ${answer?.data.length === 0 && html`<p class="nothing">${whole || from ? html`No log record fits. <a href="/logs">Show all</a>` : "No log record has arrived yet."}</p>`}
        ${view === "patterns" ? html`<${Patterns} asked=${asked} query=${q} tick=${slowTick} />`
          : html`<ol class="records">${answer?.data.map((record) => html`<${Record} key=${record.id} record=${record} />`)}</ol>
            <${Parts} answer=${answer} before=${before} />`}
      </div>
    </div>`;
}

/** What is left of the records when numbers, ids and quoted texts are taken out, the commonest first. */
function Patterns({ asked, query, tick }) {
  const { answer, problem } = useAnswer("/api/logs/patterns", { ...asked, limit: 100 }, tick);
  return html`<${Problem} problem=${problem} />${answer?.data.length > 0 && html`<table>
    <thead><tr><th scope="col" class="number">Records</th><th scope="col">Severity</th><th scope="col">Pattern</th><th scope="col">Services</th><th scope="col">Last</th></tr></thead>
    <tbody>${answer.data.map((it) => html`<tr class=${it.severity === "error" || it.severity === "fatal" ? "error" : ""}><td class="number">${it.count.toLocaleString("en")}</td>
      <td><span class=${`severity ${it.severity}`}>${it.severity}</span></td>
      <td class="name"><button type="button" class="link" data-row title=${it.example} onClick=${() => change({ q: narrowed(query, it.query), view: "" })}>${it.pattern || "(no body)"}</button></td>
      <td>${it.services.map((service) => html`<span class=${`service ${hue(service)}`}>${service}</span>`)}</td><td class="time">${time(it.last_unix_nanos)}</td></tr>`)}</tbody></table>`}`;
}

export function Record({ record, isInTrace = false, select = null }) {
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
      ${select && html`<button type="button" class="link" aria-label=${`Span of: ${body.slice(0, 60)}`} onClick=${select}>span</button>`}
    </div>
    ${isOpen && html`<div class="inside">
      ${body.length > SHORT_BODY && html`<div class="whole"><${Value} typed=${record.body} /></div>`}
      <${Attributes} title="Attributes" attributes=${record.attributes} dropped=${record.dropped_attributes} />
      <${Attributes} title="Resource" attributes=${record.resource?.attributes ?? []} dropped=${record.resource?.dropped_attributes} />
      <p class="quiet">${record.scope?.name && html`Scope <bdi>${[record.scope.name, record.scope.version].filter(Boolean).join(" ")}</bdi>. `}Severity number ${record.severity_number}.</p>
    </div>`}
  </li>`;
}
