// Two traces, or two sets of them, against each other; and snapshots, which mark moments to compare.

import { change, to } from "./address.mjs";
import { tellViewer, useAnswer, useTick } from "./ask.mjs";
import { AsCommand, command } from "./command.mjs";
import { count, duration, time } from "./format.mjs";
import { html, useState } from "./html.mjs";
import { Problem } from "./parts.mjs";
import { QueryBox } from "./query.mjs";

const VERDICTS = { worse: "bad", better: "good" };

export function Compare({ parameters }) {
  const { a = "", b = "", from, to: until, all } = parameters;
  const tick = useTick(5000);
  const { answer, problem } = useAnswer(a && b ? "/api/compare" : null, { a, b, from, to: until }, tick);
  const swap = () => change({ a: b, b: a });
  return html`<h1>Compare</h1>
    <div class="sides">
      <${Side} name="a" text="Before" value=${a} problem=${problem} id="query" /><${Side} name="b" text="After" value=${b} problem=${problem} id="after" />
      <button type="button" onClick=${swap}>Swap</button>
      ${a && b && html`<${AsCommand} text=${command("compare", [a, b], { since: from, until })} />`}
    </div>
    ${problem?.parameter !== "a" && problem?.parameter !== "b" && html`<${Problem} problem=${problem} />`}
    ${!(a && b) && html`<p>Each side is a query, such as <code>service.version=1.2 name:"POST /orders"</code>, one trace as <code>trace:ID</code>, a snapshot as <code>snapshot:NAME</code>, or <code>now</code>, which is what came since the last snapshot.</p>`}
    ${answer && html`<${Verdict} answer=${answer} /><${Tree} answer=${answer} all=${all} /><${Changed} attributes=${answer.attributes} />`}
    <${Snapshots} a=${a} b=${b} />`;
}

function Side({ name, text, value, problem, id }) {
  return html`<div class="side"><strong>${text}</strong><${QueryBox} id=${id} label=${text} parameter=${name} query=${value} problem=${problem} placeholder="query, trace:ID, snapshot:NAME, now" button="Set" />
    ${/^trace:[0-9a-f]{32}$/.test(value) && html`<a href=${`/traces/${value.slice(6)}`}>open</a>`}</div>`;
}

function Verdict({ answer }) {
  const { a, b } = answer;
  const rows = [["Traces", a.traces, b.traces], ["Spans of a trace", a.mean_spans.toFixed(1), b.mean_spans.toFixed(1)], ["Errors", a.errors, b.errors],
    ["Median", duration(a.p50_nanos), duration(b.p50_nanos)], ["95th percentile", duration(a.p95_nanos), duration(b.p95_nanos)]];
  return html`<section aria-labelledby="verdict"><h2 id="verdict"><span class=${`verdict ${VERDICTS[answer.verdict] ?? ""}`}>${answer.verdict}</span></h2><p>${answer.text}</p>
    <table class="narrow"><thead><tr><th scope="col">Of a side</th><th scope="col" class="number">Before</th><th scope="col" class="number">After</th></tr></thead>
      <tbody>${rows.map(([name, ours, theirs]) => html`<tr><th scope="row">${name}</th><td class="number">${ours}</td><td class="number">${theirs}</td></tr>`)}</tbody></table></section>`;
}

function Tree({ answer, all }) {
  const isTelling = (node) => node.change !== "equal" || node.verdict === "worse" || node.verdict === "better";
  const shown = all ? answer.nodes : withParents(answer.nodes, isTelling);
  const most = Math.max(1, ...answer.nodes.map((node) => Math.abs(node.effect_nanos)));
  const times = (number) => (number === undefined ? "–" : `×${Number.isInteger(number) ? number : number.toFixed(1)}`);
  const took = (figures) => (figures ? html`${duration(figures.total_nanos)} <span class="quiet">${times(figures.count)}</span>${figures.errors > 0 && html` <span class="bad">! ${Number(figures.errors.toFixed(1))}</span>`}` : "–");
  return html`<section aria-labelledby="spans"><h2 id="spans">Span by span</h2>
    <p class="quiet">${count(answer.nodes.length, "operation")} of the tree, ${shown.length} shown. Durations are medians, × how often in a trace.
      ${" "}<button type="button" class="link" onClick=${() => change({ all: all ? "" : "1" }, true)}>${all ? "Show what changed" : "Show all"}</button></p>
    ${shown.length === 0 && html`<p class="nothing">Nothing changed.</p>`}
    ${shown.length > 0 && html`<table><thead><tr><th scope="col">Operation</th><th scope="col">Change</th><th scope="col" class="number">Before</th><th scope="col" class="number">After</th><th scope="col" class="number">Effect</th></tr></thead>
      <tbody>${shown.map((node) => html`<tr class=${node.verdict === "worse" ? "error" : ""}>
        <td class="name"><span style=${{ paddingLeft: `${Math.min(node.depth, 24) * 14}px` }}>${node.name}</span> <span class="quiet">${node.service}</span></td>
        <td><span class=${`change ${node.change}`}>${node.change}</span></td><td class="number">${took(node.a)}</td><td class="number">${took(node.b)}</td>
        <td class=${`number ${VERDICTS[node.verdict] ?? "quiet"}`}>${node.effect_nanos === 0 ? "0" : `${node.effect_nanos > 0 ? "+" : "−"}${duration(Math.abs(node.effect_nanos))}`}
          <span class="bar" aria-hidden="true"><span style=${{ width: `${(100 * Math.abs(node.effect_nanos)) / most}%` }}></span></span></td></tr>`)}</tbody></table>`}
  </section>`;
}

/** Those that hold, and what is above them in the tree. */
function withParents(nodes, holds) {
  const kept = new Set();
  const open = [];
  nodes.forEach((node, index) => {
    open.length = Math.min(open.length, node.depth);
    open[node.depth] = index;
    if (holds(node)) for (const above of open) if (above !== undefined) kept.add(above);
  });
  return nodes.filter((_, index) => kept.has(index));
}

function Changed({ attributes }) {
  if (attributes.length === 0) return null;
  const text = (value) => (value === null || value === undefined ? html`<span class="quiet">not there</span>` : html`<code>${typeof value === "string" ? value : JSON.stringify(value)}</code>`);
  return html`<section aria-labelledby="attributes"><h2 id="attributes">Attributes that changed</h2><table>
    <thead><tr><th scope="col">Operation</th><th scope="col">Attribute</th><th scope="col">Before</th><th scope="col">After</th></tr></thead>
    <tbody>${attributes.map((it) => html`<tr><td>${it.name} <span class="quiet">${it.service}</span></td><td>${it.key}</td><td>${text(it.a)}</td><td>${text(it.b)}</td></tr>`)}</tbody></table></section>`;
}

function Snapshots({ a, b }) {
  const [made, setMade] = useState(0);
  const [name, setName] = useState("");
  const [problem, setProblem] = useState(null);
  const { answer } = useAnswer("/api/snapshots", {}, made);
  const submit = (event) => {
    event.preventDefault();
    tellViewer("/api/snapshots", { name: name.trim() }).then(
      () => {
        setProblem(null);
        setName("");
        setMade(made + 1);
      },
      setProblem,
    );
  };
  const at = (side) => to("/compare", side);
  return html`<section aria-labelledby="snapshots"><h2 id="snapshots">Snapshots</h2>
    <p>A snapshot marks this moment: take one, change something, run it again, and compare the snapshot with now.</p>
    <form class="buttons" onSubmit=${submit}><label>Name <input value=${name} maxlength="80" required onInput=${(event) => setName(event.target.value)} /></label><button type="submit">Take a snapshot</button></form>
    <${Problem} problem=${problem} />
    <ul>${answer?.data.map((it) => html`<li><bdi>${it.name}</bdi> <span class="time">${time(it.time_unix_nanos)}</span> · <a data-row href=${at({ a: `snapshot:${it.name}`, b: b || "now" })}>before</a> · <a href=${at({ a: a || "now", b: `snapshot:${it.name}` })}>after</a></li>`)}</ul>
  </section>`;
}
