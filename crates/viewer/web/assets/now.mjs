// What happens now: how the services do, the newest failures and traces, and what is wrong with the
// telemetry.

import { to } from "./address.mjs";
import { useAnswer, useTick } from "./ask.mjs";
import { duration, hue, time } from "./format.mjs";
import { html } from "./html.mjs";
import { Problem } from "./parts.mjs";
import { Table } from "./services.mjs";
import { Nothing } from "./traces.mjs";

const MOST = 8;

export function Now({ parameters }) {
  const tick = useTick(2000);
  const slowTick = useTick(10_000);
  const { answer: services, problem } = useAnswer("/api/services", { columns: 40 }, slowTick);
  const { answer: newest } = useAnswer("/api/traces", { limit: MOST }, tick);
  const { answer: failed } = useAnswer("/api/traces", { q: "status:error", limit: MOST }, tick);
  const { answer: health } = useAnswer("/api/health", {}, slowTick);
  const findings = health?.data ?? [];
  return html`<h1 class="hidden">Now</h1><${Problem} problem=${problem} />
    ${newest?.total === 0 && html`<${Nothing} />`}
    ${services?.data.length > 0 && html`<${Table} answer=${services} parameters=${parameters} open=${parameters.open} path="/" />`}
    <div class="beside">
      <${Newest} title="Newest failures" id="failures" answer=${failed} query="status:error" nothing="Nothing failed." />
      <${Newest} title="Newest traces" id="newest" answer=${newest} query="" nothing="" />
    </div>
    ${findings.length > 0 && html`<section aria-labelledby="wrong"><h2 id="wrong">Health</h2>
      <p>${findings.slice(0, 3).map((it) => html`<span class=${`severity ${it.severity}`}>${it.severity}</span> ${it.text} <bdi class="quiet">${it.service}</bdi><br />`)}
        <a href="/health">${findings.length === 1 ? "The finding" : `All ${findings.length} findings`}</a></p></section>`}`;
}

function Newest({ title, id, answer, query, nothing }) {
  if (!answer || (answer.total === 0 && !nothing)) return null;
  return html`<section aria-labelledby=${id}><h2 id=${id}>${title}</h2>
    ${answer.data.length === 0 && html`<p class="quiet">${nothing}</p>`}
    ${answer.data.length > 0 && html`<table><thead class="hidden"><tr><th scope="col">Started</th><th scope="col">Trace</th><th scope="col">Duration</th></tr></thead>
      <tbody>${answer.data.map((trace) => html`<tr key=${trace.trace_id} class=${trace.errors > 0 ? "error" : ""}><td class="time">${time(trace.start_unix_nanos)}</td>
        <td><a data-row href=${to(`/traces/${trace.trace_id}`, { q: query, find: query })}>${trace.root_name || "(no name)"}</a> <span class=${`service ${hue(trace.root_service ?? "")}`}>${trace.root_service}</span></td>
        <td class="number">${duration(trace.duration_nanos)}</td></tr>`)}</tbody></table>
      <p><a href=${to("/traces", { q: query })}>All ${answer.total.toLocaleString("en")}</a></p>`}
  </section>`;
}
