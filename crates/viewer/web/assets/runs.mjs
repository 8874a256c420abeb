// The runs of services: the processes that sent spans, of which two can be compared.

import { to } from "./address.mjs";
import { useAnswer, useTick } from "./ask.mjs";
import { AsCommand, command } from "./command.mjs";
import { count, duration, hue, time } from "./format.mjs";
import { html } from "./html.mjs";
import { Mark, useMarks } from "./marks.mjs";
import { Problem, Time } from "./parts.mjs";
import { QueryBox } from "./query.mjs";

export function Runs({ parameters }) {
  const { q = "", from, to: until, picked } = parameters;
  const { answer, problem } = useAnswer("/api/runs", { q, from, to: until, limit: 1000 }, useTick(5000));
  const runs = answer?.data ?? [];
  // What began first is what the other is compared with.
  const began = (query) => BigInt(runs.find((run) => run.query === query)?.first_unix_nanos ?? 0);
  const marks = useMarks(picked, (one, other) => (began(one) <= began(other) ? { a: one, b: other } : { a: other, b: one }));
  return html`<h1 class="hidden">Runs</h1>
    <${QueryBox} label="Query of spans that a run has" query=${q} problem=${problem} placeholder='service:shop service.version=1.2' />
    <div class="choices">
      <${Time} from=${from} until=${until} />
      ${answer && html`<span class="quiet">${count(answer.total, "run")}${answer.truncated && html`, ${answer.returned} shown`}</span>`}
      ${marks.buttons}
      <${AsCommand} text=${command("runs", [q], { since: from, until })} />
    </div>
    <${Problem} problem=${problem} />
    ${answer?.data.length === 0 && html`<p class="nothing">${q || from ? html`No run has such a span. <a href="/runs">Show all</a>` : "No span has arrived yet."}</p>`}
    ${runs.length > 0 && html`<div class="list"><table>
      <thead><tr><th scope="col"><span class="hidden">Mark</span></th><th scope="col">Run</th><th scope="col">First span</th><th scope="col">Last span</th><th scope="col">Version</th>
        <th scope="col" class="number">Traces</th><th scope="col" class="number">Spans</th><th scope="col" class="number">Errors</th><th scope="col" class="number">p50</th><th scope="col" class="number">p95</th></tr></thead>
      <tbody>${runs.map((run) => html`<${Row} key=${run.query} run=${run} marks=${marks} />`)}</tbody></table>
      <p class="quiet">Runs are told apart by the resource: service.instance.id, else process.pid, host.name, service.version. Quantiles are of spans without a parent.</p></div>`}`;
}

function Row({ run, marks }) {
  const name = `${run.service} ${run.number}`;
  const about = [run.pid && `process ${run.pid}`, run.host, run.environment].filter(Boolean).join(" · ");
  return html`<tr class=${run.errors > 0 ? "error" : ""}>
    <${Mark} name=${run.query} label=${name} marks=${marks} />
    <td class="name"><a data-row=${run.query} href=${to("/traces", { q: run.query })}><span class=${`service ${hue(run.service)}`}>${run.service}</span> ${run.number}</a>
      <span class="quiet">${about || run.instance || "nothing tells its processes apart"}</span></td>
    <td class="time">${time(run.first_unix_nanos)}</td><td class="time">${time(run.last_unix_nanos)}</td><td>${run.version ?? "–"}</td>
    <td class="number">${run.traces.toLocaleString("en")}</td><td class="number">${run.spans.toLocaleString("en")}</td>
    <td class="number">${run.errors > 0 ? html`<strong class="bad">${run.errors.toLocaleString("en")}</strong>` : "0"}</td>
    <td class="number">${duration(run.p50_nanos)}</td><td class="number">${duration(run.p95_nanos)}</td></tr>`;
}
