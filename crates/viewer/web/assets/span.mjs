// One span, whole: attributes with their types, events, links, log records, resource and scope.

import { to } from "./address.mjs";
import { useAnswer } from "./ask.mjs";
import { duration, time } from "./format.mjs";
import { html } from "./html.mjs";
import { Record } from "./logs.mjs";
import { Attributes, Problem } from "./parts.mjs";

export function Span({ trace, id, close, isHere }) {
  const path = isHere ? `/api/traces/${trace}/spans/${encodeURIComponent(id)}` : null;
  const { answer: span, problem } = useAnswer(path);
  return html`<aside class="span-details" aria-label="Selected span">
    <button type="button" class="close" onClick=${close} aria-label="Close the span">×</button>
    ${!isHere && html`<p class="problem">The span <code>${id}</code> is not in this trace, or has not arrived.</p>`}
    <${Problem} problem=${problem} />
    ${span && html`<${Whole} span=${span} />`}
  </aside>`;
}

function Whole({ span }) {
  const { usual } = span;
  return html`<h2>${span.name || "(no name)"}</h2>
    <p><bdi>${span.service}</bdi> · ${span.kind} · ${span.status === "error" ? html`<strong class="bad">error</strong>` : `status ${span.status}`}</p>
    ${span.status_message && html`<p class="bad value">${span.status_message}</p>`}
    <p><strong>${span.end_unix_nanos === "0" ? "no end" : duration(span.duration_nanos)}</strong> from ${time(span.start_unix_nanos)}</p>
    ${usual && usual.count > 1 && html`<p class="quiet">Slower than ${Math.round(usual.slower_than * 100)} % of <a href=${to("/traces", { q: usual.query })}>${usual.count} of its kind</a>:
      p50 ${duration(usual.p50_nanos)}, p95 ${duration(usual.p95_nanos)}, p99 ${duration(usual.p99_nanos)}</p>`}
    <p class="quiet">Span <code>${span.span_id}</code>${span.parent_span_id && html`, parent <code>${span.parent_span_id}</code>`}${span.trace_state && html`, state <code>${span.trace_state}</code>`}</p>
    <${Attributes} title="Attributes" attributes=${span.attributes} dropped=${span.dropped_attributes} isFound=${true} />
    ${(span.events.length > 0 || span.dropped_events > 0) && html`<section><h3>Events</h3>
      ${span.events.map((event) => html`<div class="event"><p><strong>${event.name}</strong> <span class="quiet">after ${duration(event.offset_nanos)}</span></p>
        <${Attributes} title="" attributes=${event.attributes} dropped=${event.dropped_attributes} /></div>`)}
      ${span.dropped_events > 0 && html`<p class="quiet">The SDK dropped ${span.dropped_events} more.</p>`}</section>`}
    ${(span.links.length > 0 || span.dropped_links > 0) && html`<section><h3>Links</h3>
      ${span.links.map((link) => html`<div class="event"><p>${link.is_here
          ? html`<a href=${to(`/traces/${link.trace_id}`, { span: link.span_id })}>trace ${link.trace_id.slice(0, 8)}, span ${link.span_id}</a>`
          : html`trace <code>${link.trace_id}</code>, span <code>${link.span_id}</code> <span class="quiet">(not here)</span>`}</p>
        <${Attributes} title="" attributes=${link.attributes} dropped=${link.dropped_attributes} /></div>`)}
      ${span.dropped_links > 0 && html`<p class="quiet">The SDK dropped ${span.dropped_links} more.</p>`}</section>`}
    ${span.log_records.length > 0 && html`<section><h3>Log records</h3>
      <ol class="records">${span.log_records.map((record) => html`<${Record} key=${record.id} record=${record} isInTrace=${true} />`)}</ol></section>`}
    <${Attributes} title="Resource" attributes=${span.resource.attributes} dropped=${span.resource.dropped_attributes} isFound=${true} />
    <section><h3>Scope</h3><p><bdi>${span.scope.name || "(no name)"}</bdi> <bdi>${span.scope.version}</bdi></p>
      <${Attributes} title="" attributes=${span.scope.attributes} dropped=${span.scope.dropped_attributes} /></section>`;
}
