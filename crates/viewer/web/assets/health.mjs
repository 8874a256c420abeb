// What is wrong with the telemetry, what SDKs say of themselves, and what the viewer keeps and dropped.

import { change, to } from "./address.mjs";
import { tellViewer, useAnswer, useTick } from "./ask.mjs";
import { amount, bytes, duration, quoted, time, value } from "./format.mjs";
import { html, useState } from "./html.mjs";
import { Problem } from "./parts.mjs";

// Findings of a kind that are shown before "more" is asked for.
const SHOWN = 3;
const LOG_RULES = new Set(["unlinked-logs"]);

// What is looked for; the words are those of somebody who looks for what is missing.
const RULES = [
  ["missing-parent", "Every parent came"], ["several-roots", "One root a trace"], ["no-end", "Every span ended"], ["clock-skew", "Clocks agree"],
  ["unlinked-logs", "Logs carry their trace"], ["unnamed-service", "Services have names"], ["deprecated-name", "No deprecated names"],
  ["misspelt-name", "No names that are almost a convention"], ["many-names", "Span names are few"], ["many-values", "Metric attributes have few values"],
  ["mixed-types", "One type an attribute"], ["error-without-status", "Exceptions set the status"], ["duplicate-spans", "No span twice"],
  ["mixed-temporality", "One temporality a metric"], ["dropped-by-sdk", "SDKs drop nothing"],
];

export function Health({ parameters }) {
  const [moment, setChanged] = useState(0);
  const tick = useTick(5000) + moment * 1e9;
  const { answer, problem } = useAnswer("/api/health", {}, tick);
  const { answer: status } = useAnswer("/api/status", {}, tick);
  return html`<h1>Health</h1><${Problem} problem=${problem} />
    ${answer && html`<${Checks} findings=${answer.data} rule=${parameters.rule} /><${Findings} findings=${answer.data} rule=${parameters.rule} /><${Services} services=${answer.services} /><${Sdk} points=${answer.sdk} />`}
    ${status && html`<${Store} status=${status} changed=${() => setChanged(moment + 1)} />`}`;
}

function Checks({ findings, rule }) {
  const known = new Set(RULES.map(([key]) => key));
  const others = [...new Set(findings.map((finding) => finding.rule))].filter((key) => !known.has(key)).map((key) => [key, key]);
  return html`<ul class="checks" aria-label="What is looked for">${[...RULES, ...others].map(([key, text]) => {
    const own = findings.filter((finding) => finding.rule === key);
    const worst = ["error", "warning", "info"].find((severity) => own.some((finding) => finding.severity === severity));
    return html`<li><button type="button" class=${worst ?? "fine"} aria-pressed=${rule === key ? "true" : "false"} disabled=${own.length === 0} onClick=${() => change({ rule: rule === key ? "" : key })}>
      <span aria-hidden="true">${worst ? "!" : "✓"}</span> ${text}${own.length > 0 && html` <span class="number">${own.length}</span>`}<span class="hidden">${worst ? `, ${worst}` : ", fine"}</span></button></li>`;
  })}</ul>`;
}

function Findings({ findings, rule }) {
  const shown = rule ? findings.filter((finding) => finding.rule === rule) : findings;
  const groups = new Map();
  for (const finding of shown) {
    const key = `${finding.rule}\n${finding.service}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(finding);
  }
  return html`<section aria-labelledby="findings"><h2 id="findings">Findings</h2>
    ${findings.length === 0 && html`<p>Nothing is wrong with what arrived.</p>`}
    <ul class="findings">${[...groups.values()].map((own) => html`<li class=${own[0].severity}>
      <p><span class=${`severity ${own[0].severity}`}>${own[0].severity}</span> <bdi>${own[0].service}</bdi> <span class="quiet">${own[0].rule}</span></p>
      ${own.slice(0, rule ? own.length : SHOWN).map((finding) => html`<p><strong>${finding.text}</strong>${finding.count > 0 && html` <span class="quiet">${amount(finding.count)} of ${amount(finding.of)}</span>`}
        ${finding.example && html` <a data-row href=${to(`/traces/${finding.example.trace_id}`, { span: finding.example.span_id })}>Example</a>`}
        ${finding.query && html` <a href=${to(LOG_RULES.has(finding.rule) ? "/logs" : "/traces", { q: finding.query })}>All of them</a>`}</p>`)}
      ${!rule && own.length > SHOWN && html`<p><button type="button" class="link" onClick=${() => change({ rule: own[0].rule })}>and ${own.length - SHOWN} more</button></p>`}
      <p class="quiet">${own[0].advice}</p>
    </li>`)}</ul></section>`;
}

function Services({ services }) {
  if (services.length === 0) return null;
  return html`<section aria-labelledby="services"><h2 id="services">Services</h2><table>
    <thead><tr><th scope="col">Service</th><th scope="col" class="number">Score of 100</th><th scope="col" class="number">Findings</th><th scope="col">SDK</th><th scope="col">Last seen</th></tr></thead>
    <tbody>${services.map((service) => html`<tr><td><a href=${to("/traces", { q: `service=${quoted(service.name)}` })}>${service.name}</a></td>
      <td class="number">${service.score}</td><td class="number">${service.findings}</td><td>${service.sdk ?? "unknown"}</td><td class="time">${time(service.last_seen_unix_nanos)}</td></tr>`)}</tbody>
  </table></section>`;
}

/** By process: how full its queue is, what it lost, and what it delivered, of all signals together. */
function Sdk({ points }) {
  if (points.length === 0) return html`<section aria-labelledby="sdk"><h2 id="sdk">What SDKs say of themselves</h2>
    <p>None says anything. Oxitel does with <code>OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED=true</code>.</p></section>`;
  const processes = new Map();
  for (const point of points) {
    const key = `${point.service}\n${point.instance ?? ""}`;
    if (!processes.has(key)) processes.set(key, []);
    processes.get(key).push(point);
  }
  return html`<section aria-labelledby="sdk"><h2 id="sdk">What SDKs say of themselves</h2><table>
    <thead><tr><th scope="col">Process</th><th scope="col" class="number">In the queue</th><th scope="col" class="number">Dropped</th><th scope="col" class="number">Delivered</th><th scope="col" class="number">Failed</th>
      <th scope="col" class="number">On its way</th><th scope="col" class="number">An export takes</th><th scope="col">Last said</th></tr></thead>
    <tbody>${[...processes.values()].map((own) => html`<${Process} points=${own} />`)}</tbody></table>
    <details><summary>All ${points.length} values</summary><${Values} points=${points} /></details></section>`;
}

function Process({ points }) {
  const failure = (point) => point.attributes.some((attribute) => attribute.key === "error.type");
  const sum = (pattern, holds = () => true) => {
    const found = points.filter((point) => pattern.test(point.name) && holds(point));
    return found.length > 0 ? found.reduce((all, point) => all + point.value, 0) : null;
  };
  const queue = sum(/processor\.\w+\.queue\.size$/);
  const capacity = sum(/processor\.\w+\.queue\.capacity$/);
  const dropped = sum(/processor\.\w+\.processed$/, failure) ?? 0;
  const failed = sum(/exporter\.\w+\.exported$/, failure) ?? 0;
  const took = points.find((point) => point.name.endsWith("exporter.operation.duration"));
  const bad = (number) => (number > 0 ? html`<strong class="bad">${amount(number)}</strong>` : "0");
  const last = points.reduce((latest, point) => (BigInt(point.time_unix_nanos) > BigInt(latest) ? point.time_unix_nanos : latest), "0");
  return html`<tr class=${dropped + failed > 0 ? "error" : ""}><td>${points[0].service}${points[0].instance && html` <span class="quiet">${points[0].instance.slice(0, 8)}</span>`}</td>
    <td class="number">${queue === null ? "–" : amount(queue)}${capacity ? html` <span class="quiet">of ${amount(capacity)}</span>` : ""}</td>
    <td class="number">${bad(dropped)}</td><td class="number">${amount(sum(/exporter\.\w+\.exported$/, (point) => !failure(point)))}</td><td class="number">${bad(failed)}</td>
    <td class="number">${amount(sum(/exporter\.\w+\.inflight$/))}</td><td class="number">${took ? duration(Math.round(took.value * 1e9)) : "–"}</td><td class="time">${time(last)}</td></tr>`;
}

function Values({ points }) {
  return html`<table><thead><tr><th scope="col">Service</th><th scope="col">Metric</th><th scope="col">Of</th><th scope="col" class="number">Value</th></tr></thead>
    <tbody>${points.map((point) => html`<tr><td>${point.service}${point.instance && html` <span class="quiet">${point.instance.slice(0, 8)}</span>`}</td><td>${point.name}</td>
      <td class="quiet">${point.attributes.map((attribute) => `${attribute.key}=${value(attribute)}`).join(" ")}</td>
      <td class="number">${amount(point.value, point.unit)}</td></tr>`)}</tbody></table>`;
}

function Store({ status, changed }) {
  const { store, dropped } = status;
  return html`<section aria-labelledby="store"><h2 id="store">What is kept</h2>
    ${store.trouble && html`<p class="problem" role="alert">${store.trouble}</p>`}
    <dl>
      <dt>Where</dt><dd>${store.mode === "disk" ? html`<code>${store.path}</code>` : "in memory only"}</dd>
      <dt>Room</dt><dd>${bytes(store.bytes)} of ${bytes(store.limit_bytes)}; memory ${bytes(store.memory_bytes)} of ${bytes(store.memory_limit_bytes)}</dd>
      <dt>Kept for</dt><dd>${duration(store.age_limit_nanos)}; the oldest is from ${store.oldest_unix_nanos ? time(store.oldest_unix_nanos) : "–"}</dd>
      <dt>Kept now</dt><dd>${amount(store.spans)} spans, ${amount(store.log_records)} log records, ${amount(store.metrics)} metrics</dd>
      <dt>Refused</dt><dd>${status.refused_requests} requests, ${status.invalid_spans} invalid spans; ${status.duplicate_spans} spans came twice</dd>
      <dt>Viewer</dt><dd>${status.version}, OTLP over gRPC at ${status.addresses.grpc}, over HTTP at ${status.addresses.http}</dd>
    </dl>
    <${Rooms} status=${status} changed=${changed} />
    <h3>Dropped</h3>
    ${dropped.length === 0 ? html`<p>Nothing since the viewer started.</p>` : html`<table>
      <thead><tr><th scope="col">Service</th><th scope="col">Signal</th><th scope="col">Reason</th><th scope="col" class="number">Count</th></tr></thead>
      <tbody>${dropped.map((drop) => html`<tr><td>${drop.service}</td><td>${drop.signal}</td><td>${drop.reason}</td><td class="number">${drop.count}</td></tr>`)}</tbody></table>`}
  </section>`;
}

/** What each service takes of the room, and a way to let go of it; pinned traces stay. */
function Rooms({ status, changed }) {
  const [problem, setProblem] = useState(null);
  const all = status.services.reduce((sum, it) => sum + it.bytes, 0);
  const clear = (document, what) => {
    if (!confirm(`Let go of everything that is kept ${what}? Pinned traces stay.`)) return;
    tellViewer("/api/clear", document).then(() => setProblem(null), setProblem).then(changed);
  };
  const kept = status.services.filter((it) => it.bytes > 0).sort((a, b) => b.bytes - a.bytes);
  if (kept.length === 0) return null;
  return html`<h3>By service</h3><${Problem} problem=${problem} /><table>
    <thead><tr><th scope="col">Service</th><th scope="col" class="number">Of the room</th><th scope="col" class="number">Spans came</th><th scope="col" class="number">Log records</th><th scope="col" class="number">Data points</th><th scope="col">Last seen</th><th scope="col"><span class="hidden">Clear</span></th></tr></thead>
    <tbody>${kept.map((it) => html`<tr><td>${it.name}</td><td class="number">${bytes(it.bytes)} <span class="quiet">${Math.round((100 * it.bytes) / Math.max(1, all))} %</span></td><td class="number">${amount(it.spans)}</td>
      <td class="number">${amount(it.log_records)}</td><td class="number">${amount(it.data_points)}</td><td class="time">${time(it.last_seen_unix_nanos)}</td>
      <td class="number"><button type="button" aria-label=${`Clear ${it.name}`} onClick=${() => clear({ service: it.name }, `of ${it.name}`)}>Clear</button></td></tr>`)}</tbody></table>
    <p><button type="button" onClick=${() => clear({}, "of all services")}>Clear everything</button></p>`;
}
