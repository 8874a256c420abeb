// Metrics: the list, and one of them over time as a chart and as a table.

import { to } from "./address.mjs";
import { useAnswer, useTick } from "./ask.mjs";
import { amount, time, value } from "./format.mjs";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.mjs";
import { Choice, Problem, QueryBox, TIMES } from "./parts.mjs";

const DISTRIBUTION = ["p50", "p90", "p95", "p99", "mean", "max", "min", "rate", "count"];
const FUNCTIONS = {
  counter: ["rate", "increase", "value"],
  histogram: DISTRIBUTION,
  exponential_histogram: DISTRIBUTION,
};
const LINES = 10;

export function Metrics({ parameters }) {
  return parameters.name ? html`<${Metric} parameters=${parameters} />` : html`<${List} parameters=${parameters} />`;
}

function List({ parameters }) {
  const { q = "" } = parameters;
  const { answer, problem } = useAnswer("/api/metrics", { q }, useTick(5000));
  return html`<h1 class="hidden">Metrics</h1>
    <${QueryBox} label="Query of metrics" query=${q} problem=${problem} placeholder="service:shop name:http.* kind:histogram" />
    <${Problem} problem=${problem} />
    ${answer?.data.length === 0 && html`<p class="nothing">${q ? html`No metric fits. <a href="/metrics">Show all</a>` : "No metric has arrived yet."}</p>`}
    ${answer?.data.length > 0 && html`<table>
      <thead><tr><th scope="col">Metric</th><th scope="col">Service</th><th scope="col">Kind</th><th scope="col">Unit</th>
        <th scope="col" class="number">Series</th><th scope="col" class="number">Points</th><th scope="col">Last</th></tr></thead>
      <tbody>${answer.data.map((metric) => html`<tr><td class="name"><a data-row href=${to("/metrics", { service: metric.service, name: metric.name, q })}>${metric.name}</a>
          <span class="quiet">${metric.description}</span></td>
        <td>${metric.service}</td><td>${metric.kind.replaceAll("_", " ")}</td><td>${metric.unit}</td>
        <td class="number">${metric.series}</td><td class="number">${metric.points}</td><td class="time">${time(metric.last_unix_nanos)}</td></tr>`)}</tbody>
    </table>`}`;
}

function Metric({ parameters }) {
  const { service, name, fn, by, filter = "", from, q } = parameters;
  const tick = useTick(5000);
  const { answer, problem } = useAnswer("/api/metrics/series", { service, name, fn, by, filter, from }, tick);
  const { answer: list } = useAnswer("/api/metrics", { q: "" }, tick);
  const keys = list?.data.find((metric) => metric.service === service && metric.name === name)?.keys ?? [];
  const functions = FUNCTIONS[answer?.kind] ?? [];
  return html`<p><a data-back href=${to("/metrics", { q })}>All metrics</a></p>
    <h1>${name}</h1><p class="quiet"><bdi>${service}</bdi>${answer && html` · ${answer.kind.replaceAll("_", " ")}${answer.temporality && html`, ${answer.temporality}`}${answer.unit && html` · ${answer.unit}`} · <bdi>${answer.description}</bdi>`}</p>
    <div class="choices">
      ${functions.length > 0 && html`<${Choice} label="Show" name="fn" chosen=${fn ?? answer.fn} choices=${functions.map((key) => [key, key])} />`}
      <${Choice} label="By" name="by" chosen=${by} choices=${[["", "all together"], ...keys.map((key) => [key, key]), ["*", "every series"]]} />
      <${Choice} label="Time" name="from" chosen=${from} choices=${TIMES} />
    </div>
    <${QueryBox} label="Filter of series" parameter="filter" query=${filter} problem=${problem?.parameter === "filter" ? { ...problem, message: problem.message, parameter: "q" } : null} placeholder="http.route=/orders" />
    ${problem?.parameter !== "filter" && html`<${Problem} problem=${problem} />`}
    ${answer && html`<${Chart} answer=${answer} /><${Table} answer=${answer} />`}`;
}

function label(series) {
  return series.attributes.map((attribute) => `${attribute.key}=${value(attribute)}`).join(" ") || "all";
}

function unit(answer) {
  if (answer.fn === "rate") return `${answer.unit && answer.unit !== "1" && answer.kind === "counter" ? answer.unit : ""}/s`;
  return answer.fn === "count" ? "" : answer.unit;
}

function Chart({ answer }) {
  const place = useRef(null);
  const isDark = useDark();
  useLayoutEffect(() => {
    const lines = answer.series.slice(0, LINES);
    if (lines.length === 0) return undefined;
    const start = Number(BigInt(answer.from_unix_nanos) / 1_000_000n) / 1000;
    const times = Array.from({ length: answer.steps }, (_, step) => start + (step * answer.step_nanos) / 1e9);
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
    const width = () => Math.max(300, place.current.clientWidth);
    const chart = new globalThis.uPlot({
      width: width(), height: 260, legend: { show: false },
      series: [{}, ...lines.map((series, index) => ({
        stroke: style.getPropertyValue(`--hue-${index % 8}`).trim(), width: 2, spanGaps: true, points: { show: answer.steps < 2 || undefined },
      }))],
      axes: [{ stroke: ink, grid, ticks: grid }, { stroke: ink, grid, ticks: grid, size: 70 }],
    }, [times, ...lines.map((series) => series.values)], place.current);
    const observer = new ResizeObserver(() => chart.setSize({ width: width(), height: 260 }));
    observer.observe(place.current);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [answer, isDark]);
  if (answer.series.length === 0) return html`<p class="nothing">No series fits.</p>`;
  return html`<div class="chart" ref=${place} role="img" aria-label=${`${answer.fn} of ${answer.name} over time; the table below has the last values`}></div>`;
}

function useDark() {
  const [isDark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const listener = () => setDark(query.matches);
    query.addEventListener("change", listener);
    return () => query.removeEventListener("change", listener);
  }, []);
  return isDark;
}

function Table({ answer }) {
  if (answer.series.length === 0) return null;
  return html`<table><thead><tr><th scope="col">Series</th><th scope="col" class="number">Last ${answer.fn}</th><th scope="col" class="number">Highest</th></tr></thead>
    <tbody>${answer.series.map((series, index) => {
      const values = series.values.filter((item) => item !== null);
      return html`<tr><td>${index < LINES && html`<span class=${`dot hue-${index % 8}`} aria-hidden="true"></span> `}${label(series)}</td><td class="number">${amount(series.last, unit(answer))}</td>
        <td class="number">${values.length > 0 ? amount(Math.max(...values), unit(answer)) : "–"}</td></tr>`;
    })}</tbody></table>
    ${answer.series_total > LINES && html`<p class="quiet">${answer.series_total} series, the ${LINES} largest in the chart${answer.truncated && html`, ${answer.series.length} in the table`}.</p>`}
    ${answer.exemplars.length > 0 && html`<section><h2>Exemplars</h2><ul>${answer.exemplars.slice(-20).map((exemplar) => html`<li>
      ${time(exemplar.time_unix_nanos)} · ${amount(exemplar.value, answer.unit)}
      ${exemplar.trace_id && (exemplar.is_here
        ? html` · <a data-row href=${to(`/traces/${exemplar.trace_id}`, { span: exemplar.span_id })}>trace</a>`
        : html` · <span class="quiet">its trace is not here</span>`)}</li>`)}</ul></section>`}`;
}
