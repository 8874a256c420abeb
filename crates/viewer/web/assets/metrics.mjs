// Metrics: the list, and one of them over time as a chart or a heatmap, with the exemplars that lead to
// traces, and as a table.

import { change, go, to } from "./address.mjs";
import { useAnswer, useTick } from "./ask.mjs";
import { amount, time, value } from "./format.mjs";
import { begin, Heatmap } from "./heatmap.mjs";
import { html, useLayoutEffect, useRef } from "./html.mjs";
import { Choice, Problem, Time } from "./parts.mjs";
import { QueryBox } from "./query.mjs";
import { colour, useTheme } from "./theme.mjs";
import { useZone } from "./zone.mjs";

const QUANTILES = ["p50", "p95", "p99"];
const DISTRIBUTION = ["quantiles", "p50", "p90", "p95", "p99", "heatmap", "mean", "max", "min", "rate", "count"];
// Functions whose values are of the kind that exemplars have.
const MEASURED = new Set(["quantiles", "p50", "p90", "p95", "p99", "mean", "max", "min"]);
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
    <${QueryBox} label="Query of metrics" query=${q} problem=${problem} placeholder="service:shop name:http.* kind:histogram" signal="metrics" />
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
  const { service, name, fn, by, filter = "", from, to: until, q } = parameters;
  const tick = useTick(5000);
  const { answer, problem } = useSeries({ service, name, fn, by, filter, from, to: until }, tick);
  const { answer: list } = useAnswer("/api/metrics", { q: "" }, tick);
  const keys = list?.data.find((metric) => metric.service === service && metric.name === name)?.keys ?? [];
  const functions = FUNCTIONS[answer?.kind] ?? [];
  return html`<p><a data-back href=${to("/metrics", { q })}>All metrics</a></p>
    <h1>${name}</h1><p class="quiet"><bdi>${service}</bdi>${answer && html` · ${answer.kind.replaceAll("_", " ")}${answer.temporality && html`, ${answer.temporality}`}${answer.unit && html` · ${answer.unit}`} · <bdi>${answer.description}</bdi>`}</p>
    <div class="choices">
      ${functions.length > 0 && html`<${Choice} label="Show" name="fn" chosen=${fn ?? answer.fn} choices=${functions.map((key) => [key, key])} />`}
      <${Choice} label="By" name="by" chosen=${by} choices=${[["", "all together"], ...keys.map((key) => [key, key]), ["*", "every series"]]} />
      <${Time} from=${from} until=${until} />
    </div>
    <${QueryBox} label="Filter of series" parameter="filter" query=${filter} problem=${problem} signal="metrics" placeholder="http.route=/orders" button="Filter" />
    ${problem?.parameter !== "filter" && html`<${Problem} problem=${problem} />`}
    ${answer && html`${answer.heatmap ? html`<${Buckets} answer=${answer} />` : html`<${Chart} answer=${answer} /><${Table} answer=${answer} />`}<${Exemplars} answer=${answer} />`}`;
}

/** A metric over time; `quantiles` are several of its functions as lines of one chart. */
function useSeries(asked, tick) {
  const path = "/api/metrics/series";
  const isSeveral = asked.fn === "quantiles";
  const one = useAnswer(isSeveral ? null : path, asked, tick);
  const several = QUANTILES.map((fn) => useAnswer(isSeveral ? path : null, { ...asked, by: "", fn }, tick));
  if (!isSeveral) return one;
  const problem = several.find((it) => it.problem)?.problem ?? null;
  if (several.some((it) => !it.answer)) return { answer: null, problem };
  const lines = several.flatMap(({ answer }, index) => answer.series.map((series) => ({ ...series, attributes: [{ key: "quantile", type: "string", value: QUANTILES[index] }] })));
  return { answer: { ...several[1].answer, fn: "quantiles", series: lines, series_total: lines.length, truncated: false }, problem };
}

function label(series) {
  return series.attributes.map((attribute) => `${attribute.key}=${value(attribute)}`).join(" ") || "all";
}

function unit(answer) {
  if (answer.fn === "rate") return `${answer.unit && answer.unit !== "1" && answer.kind === "counter" ? answer.unit : ""}/s`;
  return answer.fn === "count" ? "" : answer.unit;
}

/** How many measurements each bucket got over time. */
function Buckets({ answer }) {
  const { bounds, counts } = answer.heatmap;
  const map = { ...answer, counts, bounds };
  const choose = ({ left, right }) => change({ from: begin(answer, left), to: begin(answer, right + 1) });
  if (bounds.length < 2) return html`<p class="nothing">Nothing was measured in this time.</p>`;
  return html`<${Heatmap} label=${`${answer.name} by bucket over time`} answer=${map} bounds=${bounds} bound=${(it) => amount(it, answer.unit)} noun="measurement" choose=${choose} height=${240} />`;
}

function Chart({ answer }) {
  const place = useRef(null);
  const isDark = useTheme();
  const isInUtc = useZone();
  const exemplars = MEASURED.has(answer.fn) ? answer.exemplars.filter((it) => it.is_here) : [];
  useLayoutEffect(() => {
    const lines = answer.series.slice(0, LINES);
    if (lines.length === 0) return undefined;
    const seconds = (nanos) => Number(BigInt(nanos) / 1_000_000n) / 1000;
    const start = seconds(answer.from_unix_nanos);
    const times = Array.from({ length: answer.steps }, (_, step) => start + (step * answer.step_nanos) / 1e9);
    const ink = colour("ink");
    const grid = { stroke: colour("line"), width: 1 };
    const width = () => Math.max(300, place.current.clientWidth);
    const spot = (chart, it, isOnCanvas) => [chart.valToPos(seconds(it.time_unix_nanos), "x", isOnCanvas), chart.valToPos(it.value, "y", isOnCanvas)];
    const mark = (chart) => {
      const { ctx } = chart;
      ctx.save();
      ctx.beginPath();
      ctx.rect(chart.bbox.left, chart.bbox.top, chart.bbox.width, chart.bbox.height);
      ctx.clip();
      ctx.fillStyle = ink;
      for (const it of exemplars) {
        const [x, y] = spot(chart, it, true);
        ctx.beginPath();
        ctx.arc(x, y, 3.5 * devicePixelRatio, 0, 7);
        ctx.fill();
      }
      ctx.restore();
    };
    // As high as the exemplars are: what lies above a quantile is what they are for.
    const highest = Math.max(0, ...exemplars.map((it) => it.value));
    const range = (_, low, high) => (low === null ? [0, 1] : [Math.min(0, low), Math.max(high, highest) * 1.05 || 1]);
    const chart = new globalThis.uPlot({
      width: width(), height: 260, legend: { show: false },
      scales: { y: { range } },
      series: [{}, ...lines.map((_, index) => ({
        stroke: colour(`hue-${index % 8}`), width: 2, spanGaps: true, points: { show: answer.steps < 2 || undefined },
      }))],
      axes: [{ stroke: ink, grid, ticks: grid, space: 110, values: (_, marks) => marks.map((mark) => time(String(BigInt(Math.round(mark * 1000)) * 1_000_000n))) }, { stroke: ink, grid, ticks: grid, size: 70 }],
      hooks: {
        draw: [mark],
        setSelect: [(it) => it.select.width > 2 && change({ from: nanosAt(it, it.select.left), to: nanosAt(it, it.select.left + it.select.width) })],
      },
      cursor: { drag: { x: true, y: false, setScale: false } },
    }, [times, ...lines.map((series) => series.values)], place.current);
    chart.over.addEventListener("click", (event) => {
      const near = exemplars.map((it) => [Math.hypot(...spot(chart, it, false).map((at, index) => at - [event.offsetX, event.offsetY][index])), it]).filter(([far]) => far < 8);
      near.sort((a, b) => a[0] - b[0]);
      if (near.length > 0) go(to(`/traces/${near[0][1].trace_id}`, { span: near[0][1].span_id }));
    });
    const observer = new ResizeObserver(() => chart.setSize({ width: width(), height: 260 }));
    observer.observe(place.current);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [answer, isDark, isInUtc]);
  if (answer.series.length === 0) return html`<p class="nothing">No series fits.</p>`;
  return html`<div class="chart" ref=${place} role="img" aria-label=${`${answer.fn} of ${answer.name} over time; the table below has the last values`}></div>
    ${exemplars.length > 0 && html`<p class="quiet">● ${exemplars.length} measurements with their traces: a click opens one, the list below has the last.</p>`}`;
}

function nanosAt(chart, position) {
  return String(BigInt(Math.round(chart.posToVal(position, "x") * 1000)) * 1_000_000n);
}

function Table({ answer }) {
  if (answer.series.length === 0) return null;
  return html`<table><thead><tr><th scope="col">Series</th><th scope="col" class="number">Last ${answer.fn}</th><th scope="col" class="number">Highest</th></tr></thead>
    <tbody>${answer.series.map((series, index) => {
      const values = series.values.filter((item) => item !== null);
      return html`<tr><td>${index < LINES && html`<span class=${`dot hue-${index % 8}`} aria-hidden="true"></span> `}${label(series)}</td><td class="number">${amount(series.last, unit(answer))}</td>
        <td class="number">${values.length > 0 ? amount(Math.max(...values), unit(answer)) : "–"}</td></tr>`;
    })}</tbody></table>
    ${answer.series_total > LINES && html`<p class="quiet">${answer.series_total} series, the ${LINES} largest in the chart${answer.truncated && html`, ${answer.series.length} in the table`}.</p>`}`;
}

/** Measurements that say in which trace they were made, the largest of those that came last. */
function Exemplars({ answer }) {
  if (answer.exemplars.length === 0) return null;
  const shown = answer.exemplars.slice(-200).sort((a, b) => b.value - a.value).slice(0, 20);
  return html`<section aria-labelledby="exemplars"><h2 id="exemplars">Exemplars, the largest first</h2><table class="narrow">
    <thead><tr><th scope="col" class="number">Value</th><th scope="col">Time</th><th scope="col">Trace</th></tr></thead>
    <tbody>${shown.map((it) => html`<tr><td class="number">${amount(it.value, answer.unit)}</td><td class="time">${time(it.time_unix_nanos)}</td>
      <td>${it.trace_id && it.is_here ? html`<a data-row href=${to(`/traces/${it.trace_id}`, { span: it.span_id })}>${it.trace_id.slice(0, 8)}</a>` : html`<span class="quiet">not here</span>`}</td></tr>`)}</tbody></table></section>`;
}
