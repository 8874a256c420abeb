// Statements over what is kept: for questions that the other pages do not ask.

import { change, to } from "./address.mjs";
import { useAnswer } from "./ask.mjs";
import { count, duration } from "./format.mjs";
import { html, useEffect, useState } from "./html.mjs";
import { Problem } from "./parts.mjs";

const EXAMPLES = [
  "SELECT name, count(*) AS spans, sum(duration_ns) / 1e6 AS milliseconds FROM spans GROUP BY name ORDER BY milliseconds DESC",
  "SELECT service, severity, count(*) AS records FROM logs GROUP BY service, severity ORDER BY records DESC",
  "SELECT trace_id, root_name, duration_ns / 1e6 AS milliseconds, spans FROM traces ORDER BY duration_ns DESC LIMIT 20",
];

export function Sql({ parameters }) {
  const { statement = "" } = parameters;
  const [text, setText] = useState(statement);
  useEffect(() => setText(statement), [statement]);
  const { answer, problem } = useAnswer(statement ? "/api/sql" : null, { statement });
  const { answer: schema } = useAnswer("/api/sql/schema");
  const run = () => change({ statement: text.trim() });
  const press = (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    run();
  };
  return html`<h1>SQL</h1>
    <form onSubmit=${(event) => { event.preventDefault(); run(); }}><label class="hidden" for="query">Statement</label>
      <textarea id="query" class="statement" rows="5" spellcheck=${false} value=${text} placeholder=${EXAMPLES[0]} onInput=${(event) => setText(event.target.value)} onKeyDown=${press}></textarea>
      <p class="buttons"><button type="submit">Run</button> <span class="quiet">or Ctrl and Enter; it reads only, for two seconds at most</span></p></form>
    <${Problem} problem=${problem} />
    ${answer && html`<${Rows} answer=${answer} />`}
    ${!statement && html`<h2>Such as</h2><ul>${EXAMPLES.map((it) => html`<li><a data-row href=${to("/sql", { statement: it })}><code>${it}</code></a></li>`)}</ul>`}
    <h2>Views</h2>
    <dl>${schema?.data.map((view) => html`<dt><code>${view.view}</code></dt><dd>${view.columns.map((column, index) => html`${index > 0 && ", "}<code title=${column.type}>${column.name}</code>`)}</dd>`)}</dl>`;
}

function Rows({ answer }) {
  return html`<p class="quiet">${count(answer.returned, "row")}${answer.truncated && ", and more"}, in ${duration(answer.elapsed_nanos)}</p>
    ${answer.returned > 0 && html`<div class="result" tabindex="0" role="group" aria-label="Result"><table><thead><tr>${answer.columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${answer.rows.map((row) => html`<tr>${row.map((it, at) => html`<${Cell} value=${it} column=${answer.columns[at]} />`)}</tr>`)}</tbody></table></div>`}`;
}

function Cell({ value, column }) {
  if (value === null) return html`<td class="quiet">null</td>`;
  if (typeof value === "number") return html`<td class="number">${value}</td>`;
  if (column === "trace_id" && /^[0-9a-f]{32}$/.test(value)) return html`<td><a data-row href=${`/traces/${value}`}><code>${value}</code></a></td>`;
  return html`<td>${String(value)}</td>`;
}
