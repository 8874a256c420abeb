// The list of traces.

import { to } from "./address.mjs";
import { useAnswer, useTick } from "./ask.mjs";
import { count, duration, hue, time } from "./format.mjs";
import { html } from "./html.mjs";
import { Choice, Facets, Problem, QueryBox, TIMES } from "./parts.mjs";

const SORTS = [["", "newest"], ["oldest", "oldest"], ["slowest", "slowest"], ["fastest", "fastest"], ["spans", "most spans"], ["errors", "most errors"]];
const FACETS = "service,status,kind,name,http.route,http.response.status_code,exception.type";

export function Traces({ parameters }) {
  const { q = "", sort, from } = parameters;
  const tick = useTick(1000);
  const facetTick = useTick(5000);
  const { answer, problem } = useAnswer("/api/traces", { q, sort, from, limit: 200 }, tick);
  const slowest = Math.max(1, ...(answer?.data ?? []).map((trace) => trace.duration_nanos));
  return html`<h1 class="hidden">Traces</h1>
    <${QueryBox} label="Query of traces" query=${q} problem=${problem} placeholder='service:shop duration>200ms status:error "sold out"' />
    <div class="choices">
      <${Choice} label="Sort" name="sort" chosen=${sort} choices=${SORTS} />
      <${Choice} label="Time" name="from" chosen=${from} choices=${TIMES} />
      ${answer && html`<span class="quiet">${count(answer.total, "trace")}${answer.truncated && html`, ${answer.returned} shown`}</span>`}
    </div>
    <${Problem} problem=${problem} />
    <div class="with-facets">
      <${Facets} path="/api/traces/facets" query=${q} from=${from} tick=${facetTick} keys=${FACETS} counted="spans" />
      <div class="list">
        ${answer?.data.length === 0 && html`<${Nothing} query=${q} from=${from} />`}
        ${answer?.data.length > 0 && html`<table>
          <thead><tr><th scope="col">Started</th><th scope="col">Trace</th><th scope="col">Services</th>
            <th scope="col" class="number">Spans</th><th scope="col" class="number">Errors</th><th scope="col" class="number">Duration</th></tr></thead>
          <tbody>${answer.data.map((trace) => html`<${Row} key=${trace.trace_id} trace=${trace} parameters=${parameters} slowest=${slowest} />`)}</tbody>
        </table>`}
      </div>
    </div>`;
}

function Row({ trace, parameters, slowest }) {
  // The way back needs the list's parameters; what was looked for is looked for in the trace, too.
  const { q, sort, from } = parameters;
  return html`<tr class=${trace.errors > 0 ? "error" : ""}>
    <td class="time">${time(trace.start_unix_nanos)}</td>
    <td class="name"><a data-row href=${to(`/traces/${trace.trace_id}`, { q, sort, from, find: q })}>${trace.root_name || "(no name)"}</a>
      <span class="quiet"><bdi>${trace.root_service}</bdi> · ${trace.trace_id.slice(0, 8)}</span>
      ${!trace.complete && html`<span class="tag" title="No root span arrived; the name is that of the span that began first">no root</span>`}
      ${trace.pinned && html`<span class="tag">pinned</span>`}</td>
    <td>${trace.services.map((service) => html`<span class=${`service ${hue(service.name)}`}>${service.name}</span>`)}</td>
    <td class="number">${trace.spans}</td>
    <td class="number">${trace.errors > 0 ? html`<strong class="bad">${trace.errors}</strong>` : "0"}</td>
    <td class="number duration">${duration(trace.duration_nanos)}
      <span class="bar" aria-hidden="true"><span style=${{ width: `${(100 * Math.max(0, trace.duration_nanos)) / slowest}%` }}></span></span></td>
  </tr>`;
}

function Nothing({ query, from }) {
  if (query || from) return html`<p class="nothing">No trace fits. <a href="/traces">Show all</a></p>`;
  return html`<div class="nothing"><p>No trace has arrived yet. Send OTLP to this viewer:</p>
    <pre>OTEL_EXPORTER_OTLP_ENDPOINT=${location.origin} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf</pre></div>`;
}
