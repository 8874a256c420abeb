// What is wrong with the telemetry, what SDKs say of themselves, and what the viewer keeps and dropped.

import { to } from "./address.mjs";
import { useAnswer, useTick } from "./ask.mjs";
import { amount, bytes, duration, quoted, time } from "./format.mjs";
import { html } from "./html.mjs";
import { Problem } from "./parts.mjs";

const LOG_RULES = new Set(["unlinked-logs"]);

export function Health() {
  const tick = useTick(5000);
  const { answer, problem } = useAnswer("/api/health", {}, tick);
  const { answer: status } = useAnswer("/api/status", {}, tick);
  return html`<h1>Health</h1><${Problem} problem=${problem} />
    ${answer && html`<${Findings} findings=${answer.data} /><${Services} services=${answer.services} /><${Sdk} points=${answer.sdk} />`}
    ${status && html`<${Store} status=${status} />`}`;
}

function Findings({ findings }) {
  return html`<section aria-labelledby="findings"><h2 id="findings">Findings</h2>
    ${findings.length === 0 && html`<p>Nothing is wrong with what arrived.</p>`}
    <ul class="findings">${findings.map((finding) => html`<li class=${finding.severity}>
      <p><span class=${`severity ${finding.severity}`}>${finding.severity}</span> <strong>${finding.text}</strong>
        ${finding.service && html` <span class="quiet"><bdi>${finding.service}</bdi> · ${finding.rule}</span>`}</p>
      <p>${finding.advice}</p>
      <p>${finding.example && html`<a data-row href=${to(`/traces/${finding.example.trace_id}`, { span: finding.example.span_id })}>Example</a> `}
        ${finding.query && html`<a href=${to(LOG_RULES.has(finding.rule) ? "/logs" : "/traces", { q: finding.query })}>All of them</a>`}</p>
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

function Sdk({ points }) {
  if (points.length === 0) return null;
  return html`<section aria-labelledby="sdk"><h2 id="sdk">What SDKs say of themselves</h2><table>
    <thead><tr><th scope="col">Service</th><th scope="col">Metric</th><th scope="col">Of</th><th scope="col" class="number">Value</th></tr></thead>
    <tbody>${points.map((point) => html`<tr><td>${point.service}${point.instance && html` <span class="quiet">${point.instance.slice(0, 8)}</span>`}</td><td>${point.name}</td>
      <td class="quiet">${point.attributes.map((attribute) => `${attribute.key}=${attribute.value}`).join(" ")}</td>
      <td class="number">${amount(point.value, point.unit)}</td></tr>`)}</tbody>
  </table></section>`;
}

function Store({ status }) {
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
    <h3>Dropped</h3>
    ${dropped.length === 0 ? html`<p>Nothing since the viewer started.</p>` : html`<table>
      <thead><tr><th scope="col">Service</th><th scope="col">Signal</th><th scope="col">Reason</th><th scope="col" class="number">Count</th></tr></thead>
      <tbody>${dropped.map((drop) => html`<tr><td>${drop.service}</td><td>${drop.signal}</td><td>${drop.reason}</td><td class="number">${drop.count}</td></tr>`)}</tbody></table>`}
  </section>`;
}
