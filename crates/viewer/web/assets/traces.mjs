// The list of traces: how long they took over time, what they have, what some share against the rest,
// and two of them to compare.

import { change, to } from "./address.mjs";
import { useAnswer, useTick } from "./ask.mjs";
import { AsCommand, command } from "./command.mjs";
import { count, duration, hue, time, value } from "./format.mjs";
import { begin, Heatmap } from "./heatmap.mjs";
import { html, useMemo } from "./html.mjs";
import { Mark, useMarks } from "./marks.mjs";
import { Choice, Dropped, Facets, narrowed, Parts, Problem, Time } from "./parts.mjs";
import { QueryBox } from "./query.mjs";

const SORTS = [["", "newest"], ["oldest", "oldest"], ["slowest", "slowest"], ["fastest", "fastest"], ["spans", "most spans"], ["errors", "most errors"]];
const FACETS = "service,status,kind,name,http.route,http.response.status_code,exception.type";
const PAGE = 200;

export function Traces({ parameters }) {
  const { q = "", sort, from, to: until, share, picked, before } = parameters;
  const tick = useTick(1000);
  const slowTick = useTick(5000);
  const { answer, problem } = useAnswer("/api/traces", { q, sort, from, to: until, before, limit: PAGE }, tick);
  const { answer: map } = useAnswer("/api/traces/heatmap", { q, from, to: until, columns: 90, rows: 20 }, slowTick);
  const slowest = Math.max(1, ...(answer?.data ?? []).map((trace) => trace.duration_nanos));
  const turn = () => change({ share: share ? "" : "1" });
  const marks = useMarks(picked, (a, b) => ({ a: `trace:${a}`, b: `trace:${b}` }), { s: turn });

  return html`<h1 class="hidden">Traces</h1>
    <${QueryBox} label="Query of traces" query=${q} problem=${problem} placeholder='service:shop duration>200ms status:error "sold out"' />
    <div class="choices">
      <${Choice} label="Sort" name="sort" chosen=${sort} choices=${SORTS} />
      <${Time} from=${from} until=${until} />
      ${answer && html`<span class="quiet">${count(answer.total, "trace")}${answer.returned < answer.total && html`, ${answer.returned} shown`}</span>`}
      <${Dropped} signal="traces" tick=${slowTick} />
      <button type="button" aria-pressed=${share ? "true" : "false"} onClick=${turn}>What do these share? <kbd>s</kbd></button>
      ${marks.buttons}
      <${AsCommand} text=${share && q ? command("slow", [q], { against: parameters.against, since: from, until }) : command("traces", [q], { sort, since: from, until })} />
    </div>
    <${Problem} problem=${problem} />
    ${map && map.total > 0 && html`<${Heatmap} label="Durations of traces over time" answer=${map} bounds=${map.bounds_nanos} bound=${duration} noun="trace" choose=${(part) => choose(q, map, part)} />`}
    ${share && html`<${Shares} parameters=${parameters} tick=${slowTick} />`}
    <div class="with-facets">
      <${Facets} path="/api/traces/facets" query=${q} from=${from} until=${until} tick=${slowTick} keys=${FACETS} counted="spans" />
      <div class="list">
        ${answer?.data.length === 0 && html`<${Nothing} query=${q} from=${from} to=${until} />`}
        ${answer?.data.length > 0 && html`<table>
          <thead><tr><th scope="col"><span class="hidden">Mark</span></th><th scope="col">Started</th><th scope="col">Trace</th><th scope="col">Services</th>
            <th scope="col" class="number">Spans</th><th scope="col" class="number">Errors</th><th scope="col" class="number">Duration</th></tr></thead>
          <tbody>${answer.data.map((trace) => html`<${Row} key=${trace.trace_id} trace=${trace} parameters=${parameters} slowest=${slowest} marks=${marks} />`)}</tbody>
        </table>`}
        <${Parts} answer=${answer} before=${before} />
      </div>
    </div>`;
}

/** What was chosen in the plot, as a query and a time. */
function choose(query, map, { left, right, low, high }) {
  const { bounds_nanos: bounds, counts } = map;
  const rest = query.replace(/(^|\s)trace\.duration[<>]=?\S+/g, "").trim();
  const terms = [rest, low > 0 && `trace.duration>=${rounded(bounds[low], Math.floor)}`, high < bounds.length - 2 && `trace.duration<${rounded(bounds[high + 1], Math.ceil)}`];
  const isAllTime = left === 0 && right === counts.length - 1;
  change({ q: terms.filter(Boolean).join(" "), ...(isAllTime ? {} : { from: begin(map, left), to: begin(map, right + 1) }) });
}

/** A duration of three digits that a query can hold. */
function rounded(nanos, round) {
  const [unit, size] = [["s", 1e9], ["ms", 1e6], ["us", 1e3]].find(([, least]) => nanos >= least) ?? ["ns", 1];
  const amount = nanos / size;
  const step = 10 ** Math.max(0, 2 - Math.floor(Math.log10(Math.max(1, amount))));
  return `${round(amount * step) / step}${unit}`;
}

function Row({ trace, parameters, slowest, marks }) {
  // The way back needs the list's parameters; what was looked for is looked for in the trace, too.
  const { q, sort, from, to: until } = parameters;
  const id = trace.trace_id;
  return html`<tr class=${trace.errors > 0 ? "error" : ""}>
    <${Mark} name=${id} label=${id.slice(0, 8)} marks=${marks} />
    <td class="time">${time(trace.start_unix_nanos)}</td>
    <td class="name"><a data-row=${id} href=${to(`/traces/${id}`, { q, sort, from, to: until, find: q })}>${trace.root_name || "(no name)"}</a>
      <span class="quiet"><bdi>${trace.root_service}</bdi> · ${id.slice(0, 8)}</span>
      ${!trace.complete && html`<span class="tag" title="No root span arrived; the name is that of the span that began first">no root</span>`}
      ${trace.pinned && html`<span class="tag">pinned</span>`}</td>
    <td>${trace.services.map((service) => html`<span class=${`service ${hue(service.name)}`}>${service.name}</span>`)}</td>
    <td class="number">${trace.spans}</td>
    <td class="number">${trace.errors > 0 ? html`<strong class="bad">${trace.errors}</strong>` : "0"}</td>
    <td class="number duration">${duration(trace.duration_nanos)}
      <span class="bar" aria-hidden="true"><span style=${{ width: `${(100 * Math.max(0, trace.duration_nanos)) / slowest}%` }}></span></span></td>
  </tr>`;
}

/** What the spans that fit have in common, against those of another query or the others of their kind. */
function Shares({ parameters, tick }) {
  const { q = "", from, to: until, against = "" } = parameters;
  const { answer, problem } = useAnswer(q ? "/api/traces/shares" : null, { q, against, from, to: until, limit: 20 }, tick);
  const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
  // What they have more of comes before what the others have.
  const more = [...(answer?.data ?? [])].sort((a, b) => b.difference - a.difference);
  const bar = (share, kind) => html`<span class=${`share ${kind}`} aria-hidden="true"><span style=${{ width: `${100 * share}%` }}></span></span>`;
  return html`<section class="shares" aria-labelledby="shares"><h2 id="shares">What these share, against the rest</h2>
    ${!q && html`<p>Say first which ones: with a query such as <code>status:error</code>, or by choosing the slow ones in the plot.</p>`}
    ${q && html`<${QueryBox} id="against" label="Against which spans" parameter="against" query=${against} problem=${problem} placeholder="against the others of the same service, name and kind" button="Compare" />`}
    ${problem?.parameter !== "against" && html`<${Problem} problem=${problem} />`}
    ${answer && html`<p class="quiet">${count(answer.spans, "span")} against ${count(answer.against_spans, against ? "span" : "other span")}.</p>
      ${answer.data.length === 0 && html`<p class="nothing">Nothing tells them apart.</p>`}
      ${answer.data.length > 0 && html`<table><thead><tr><th scope="col">Value</th><th scope="col">Of these</th><th scope="col">Of the others</th><th scope="col" class="number">Difference</th></tr></thead>
        <tbody>${more.map((it) => html`<tr><td class="name"><button type="button" class="link" data-row title=${it.query} onClick=${() => change({ q: narrowed(q, it.query), share: "" })}><bdi>${it.field}</bdi> = <bdi>${value(it)}</bdi></button></td>
          <td>${bar(it.share, "ours")} ${percent(it.share)}</td><td>${bar(it.against_share, "theirs")} ${percent(it.against_share)}</td>
          <td class="number">${it.difference > 0 ? "+" : "−"}${Math.abs(100 * it.difference).toFixed(0)}</td></tr>`)}</tbody></table>`}`}
  </section>`;
}

export function Nothing({ query, from, to: until }) {
  if (query || from) return html`<div class="nothing"><p>No trace fits. <a href="/traces">Show all</a></p><${Nearest} query=${query} from=${from} until=${until} /></div>`;
  return html`<div class="nothing"><p>No trace has arrived yet. Send OTLP to this viewer:</p>
    <pre>OTEL_EXPORTER_OTLP_ENDPOINT=${location.origin} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf</pre>
    <p>or start a program with <code>oxitel run --view python app.py</code>; <code>oxitel doctor</code> says whether what it sends gets here.</p></div>`;
}

const MOST_TERMS = 6;

/** How many would fit without one of the conditions, or at any time. */
function Nearest({ query, from, until }) {
  const parts = useMemo(() => terms(query), [query]);
  const without = parts.length > 1 ? parts.map((_, index) => parts.filter((it, at) => at !== index).join(" ")) : [];
  const answers = Array.from({ length: MOST_TERMS }, (_, index) => useAnswer(without[index] === undefined ? null : "/api/traces", { q: without[index], from, to: until, limit: 1 }).answer);
  const always = useAnswer(from ? "/api/traces" : null, { q: query, limit: 1 }).answer;
  const found = without.map((q, index) => [parts[index], q, answers[index]?.total ?? 0]).filter(([, , total]) => total > 0);
  if (found.length === 0 && !always?.total) return null;
  return html`<ul>${found.map(([part, q, total]) => html`<li>without <code>${part}</code>: <a data-row href=${to("/traces", { q, from, to: until })}>${count(total, "trace")}</a></li>`)}
    ${always?.total > 0 && html`<li>at any time: <a data-row href=${to("/traces", { q: query })}>${count(always.total, "trace")}</a></li>`}</ul>`;
}

/** The conditions of a query that all have to hold; none where it is more than that. */
export function terms(query) {
  const parts = query.match(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g) ?? [];
  const isMore = parts.some((part) => /^(or|and|not)$/i.test(part) || /[()]/.test(part.replace(/"(?:\\.|[^"\\])*"/g, "")));
  return isMore || parts.length > MOST_TERMS ? [] : parts;
}
