// Services: what each takes and how it does, and a map of who calls whom.

import { to } from "./address.mjs";
import { useAnswer, useTick } from "./ask.mjs";
import { amount, count, duration, hue, quoted } from "./format.mjs";
import { html, useMemo } from "./html.mjs";
import { Problem, Time } from "./parts.mjs";
import { QueryBox } from "./query.mjs";

const [WIDE, TALL, GAP, BETWEEN, EDGE] = [176, 46, 30, 190, 12];
// Where on a line its text stands: nearer to what is called, where lines have parted.
const AT = 0.62;
const LETTERS = 20;

export function Services({ parameters }) {
  const { q = "", from, to: until, open } = parameters;
  const { answer, problem } = useAnswer("/api/services", { q, from, to: until, columns: 40 }, useTick(3000));
  return html`<h1 class="hidden">Services</h1>
    <${QueryBox} label="Query of calls" query=${q} problem=${problem} placeholder="service:shop http.route=/orders" />
    <div class="choices"><${Time} from=${from} until=${until} />${answer && html`<span class="quiet">${count(answer.data.length, "service")}, ${count(answer.edges.length, "connection")}</span>`}</div>
    <${Problem} problem=${problem} />
    ${answer?.data.length === 0 && html`<p class="nothing">${q || from ? html`No call fits. <a href="/services">Show all</a>` : "No span has arrived yet."}</p>`}
    ${answer?.data.length > 0 && html`<${Chart} answer=${answer} /><${Table} answer=${answer} parameters=${parameters} open=${open} /><${Edges} edges=${answer.edges} />`}`;
}

/** Layers from left to right: each service is right of all that call it, circles aside. */
export function layers(nodes, edges) {
  const calls = new Map(nodes.map((node) => [node, []]));
  for (const { from, to: target } of edges) if (from !== target) calls.get(from)?.push(target);
  const layer = new Map(nodes.map((node) => [node, 0]));
  const state = new Map();
  const order = [];
  // Depth first without recursion; an edge back to what is still open is part of a circle.
  const back = new Set();
  for (const start of nodes) {
    const waiting = [[start, 0]];
    while (waiting.length > 0) {
      const top = waiting.at(-1);
      const [node, at] = top;
      if (at === 0) {
        if (state.has(node)) {
          waiting.pop();
          continue;
        }
        state.set(node, "open");
      }
      const next = calls.get(node)?.[at];
      if (next === undefined) {
        state.set(node, "done");
        order.push(node);
        waiting.pop();
        continue;
      }
      top[1] += 1;
      if (state.get(next) === "open") back.add(`${node}\n${next}`);
      else if (!state.has(next)) waiting.push([next, 0]);
    }
  }
  for (const node of order.reverse()) {
    for (const next of calls.get(node) ?? []) if (!back.has(`${node}\n${next}`)) layer.set(next, Math.max(layer.get(next), layer.get(node) + 1));
  }
  const columns = [];
  for (const node of order) (columns[layer.get(node)] ??= []).push(node);
  // Each goes beside the middle of those that call it, so that fewer lines cross.
  const place = new Map();
  for (const column of columns) {
    const middle = (node) => {
      const callers = edges.filter((edge) => edge.to === node && place.has(edge.from)).map((edge) => place.get(edge.from));
      return callers.length > 0 ? callers.reduce((sum, it) => sum + it, 0) / callers.length : 0;
    };
    column.sort((a, b) => middle(a) - middle(b));
    column.forEach((node, index) => place.set(node, index - (column.length - 1) / 2));
  }
  return columns;
}

function Chart({ answer }) {
  const { data, edges } = answer;
  const outside = edges.filter((edge) => edge.outside).map((edge) => edge.to);
  const names = [...new Set([...data.map((it) => it.name), ...edges.flatMap((edge) => [edge.from, edge.to])])].sort();
  const columns = useMemo(() => layers(names, edges), [answer]);
  const known = new Map(data.map((it) => [it.name, it]));
  const height = Math.max(...columns.map((column) => column.length)) * (TALL + GAP) + 2 * EDGE;
  const width = columns.length * (WIDE + BETWEEN) - BETWEEN + 2 * EDGE;
  const place = new Map();
  columns.forEach((column, x) => column.forEach((name, y) => {
    const top = (height - column.length * (TALL + GAP) + GAP) / 2;
    place.set(name, [EDGE + x * (WIDE + BETWEEN), top + y * (TALL + GAP)]);
  }));
  const most = Math.max(1, ...edges.map((edge) => edge.calls));
  return html`<section aria-labelledby="map"><h2 id="map">Who calls whom</h2>
    <div class="map" tabindex="0" role="group" aria-label="Map of services; the tables below have the same"><svg width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
      <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" /></marker></defs>
      ${edges.filter((edge) => edge.from !== edge.to).map((edge) => html`<${Line} edge=${edge} from=${place.get(edge.from)} to=${place.get(edge.to)} thick=${1 + (4 * edge.calls) / most} />`)}
      ${names.map((name) => html`<${Box} name=${name} at=${place.get(name)} service=${known.get(name)} isOutside=${outside.includes(name) && !known.has(name)} />`)}
    </svg></div></section>`;
}

function Line({ edge, from: [x, y], to: [u, v], thick }) {
  const [x1, y1, y2] = [x + WIDE, y + TALL / 2, v + TALL / 2];
  const isBack = u < x1;
  const x2 = isBack ? u + WIDE / 2 : u;
  const bend = isBack ? `M${x + WIDE / 2} ${y + TALL}C${x + WIDE / 2} ${y + TALL + 40} ${x2} ${v + TALL + 40} ${x2} ${v + TALL}`
    : `M${x1} ${y1}C${x1 + BETWEEN / 2} ${y1} ${x2 - BETWEEN / 2} ${y2} ${x2} ${y2}`;
  return html`<a href=${to("/traces", { q: edge.query })} class=${`edge${edge.errors > 0 ? " error" : ""}`} aria-label=${`${edge.from} to ${edge.to}: ${edge.calls} calls, ${edge.errors} failed`}>
    <path class="reach" d=${bend} /><path d=${bend} stroke-width=${thick} marker-end="url(#arrow)" />
    <text x=${isBack ? (x + u + WIDE) / 2 : x1 + AT * (x2 - x1)} y=${isBack ? Math.max(y, v) + TALL + 36 : y1 + (3 - 2 * AT) * AT ** 2 * (y2 - y1) - 6 - thick} text-anchor="middle">${amount(edge.calls)}${edge.errors > 0 ? ` · ! ${edge.errors}` : ""} · ${duration(edge.p95_nanos)}</text></a>`;
}

function Box({ name, at: [x, y], service, isOutside }) {
  const shown = [...name].length > LETTERS ? `${[...name].slice(0, LETTERS - 1).join("")}…` : name;
  const box = html`<rect x=${x} y=${y} width=${WIDE} height=${TALL} rx="6" class=${isOutside ? "outside" : hue(name)} /><title>${name}</title>
    <text x=${x + 12} y=${y + 19} class="title">${shown}</text>
    <text x=${x + 12} y=${y + 36}>${service ? html`${amount(service.calls)} calls${service.errors > 0 ? ` · ! ${service.errors}` : ""} · ${duration(service.p95_nanos)}` : "sends nothing itself"}</text>`;
  return service ? html`<a href=${to("/traces", { q: `service=${quoted(name)}` })} class=${`box${service.errors > 0 ? " error" : ""}`}>${box}</a>` : html`<g class="box">${box}</g>`;
}

function Sparkline({ calls, errors }) {
  const most = Math.max(1, ...calls);
  return html`<svg class="sparkline" width="120" height="22" viewBox=${`0 0 ${calls.length * 3} 22`} preserveAspectRatio="none" aria-hidden="true">
    ${calls.map((number, index) => number > 0 && html`<rect x=${index * 3} y=${22 - Math.max(1, (22 * number) / most)} width="2" height=${Math.max(1, (22 * number) / most)} class=${errors[index] > 0 ? "error" : ""} />`)}</svg>`;
}

export function Table({ answer, parameters, open, path = "/services" }) {
  const { from, to: until } = parameters;
  return html`<section aria-labelledby="calls"><h2 id="calls">Calls taken</h2><table>
    <thead><tr><th scope="col">Service</th><th scope="col">Over time</th><th scope="col" class="number">Calls</th><th scope="col" class="number">A second</th><th scope="col" class="number">Errors</th>
      <th scope="col" class="number">p50</th><th scope="col" class="number">p95</th><th scope="col" class="number">p99</th><th scope="col" class="number">Log records</th></tr></thead>
    <tbody>${answer.data.map((it) => html`<tr class=${it.errors > 0 ? "error" : ""}>
      <td class="name"><a data-row href=${to("/traces", { q: `service=${quoted(it.name)}`, from, to: until })}><span class=${`service ${hue(it.name)}`}>${it.name}</span></a>
        ${it.operations.length > 0 && html` <a class="quiet" aria-expanded=${open === it.name ? "true" : "false"} role="button" href=${to(path, { ...parameters, open: open === it.name ? "" : it.name })}>${count(it.operations.length, "operation")}</a>`}
        ${open === it.name && html`<${Operations} service=${it} />`}</td>
      <td><${Sparkline} ...${it.sparkline} /></td><td class="number">${amount(it.calls)}</td><td class="number">${amount(it.rate_per_second)}</td>
      <td class="number">${it.errors > 0 ? html`<a class="bad" href=${to("/traces", { q: `service=${quoted(it.name)} status:error`, from, to: until })}>${it.errors}</a>` : "0"}</td>
      <td class="number">${duration(it.p50_nanos)}</td><td class="number">${duration(it.p95_nanos)}</td><td class="number">${duration(it.p99_nanos)}</td>
      <td class="number">${it.log_records > 0 ? html`<a href=${to("/logs", { q: `service=${quoted(it.name)}` })}>${amount(it.log_records)}</a>` : "0"}</td></tr>`)}</tbody></table></section>`;
}

function Operations({ service }) {
  return html`<table class="operations"><thead><tr><th scope="col">Operation</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Errors</th><th scope="col" class="number">p50</th><th scope="col" class="number">p95</th></tr></thead>
    <tbody>${service.operations.map((it) => html`<tr><td><a href=${to("/traces", { q: `service=${quoted(service.name)} name=${quoted(it.name)}`, sort: "slowest" })}>${it.name || "(no name)"}</a> <span class="quiet">${it.kind}</span></td>
      <td class="number">${it.calls}</td><td class="number">${it.errors}</td><td class="number">${duration(it.p50_nanos)}</td><td class="number">${duration(it.p95_nanos)}</td></tr>`)}</tbody></table>`;
}

function Edges({ edges }) {
  if (edges.length === 0) return null;
  return html`<section aria-labelledby="edges"><h2 id="edges">Connections</h2><table>
    <thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col">Kind</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Errors</th><th scope="col" class="number">p50</th><th scope="col" class="number">p95</th></tr></thead>
    <tbody>${edges.map((edge) => html`<tr class=${edge.errors > 0 ? "error" : ""}><td>${edge.from}</td><td><a href=${to("/traces", { q: edge.query })}>${edge.to}</a>${edge.outside && html` <span class="tag">sends nothing itself</span>`}</td><td>${edge.kind}</td>
      <td class="number">${amount(edge.calls)}</td><td class="number">${edge.errors > 0 ? html`<strong class="bad">${edge.errors}</strong>` : "0"}</td><td class="number">${duration(edge.p50_nanos)}</td><td class="number">${duration(edge.p95_nanos)}</td></tr>`)}</tbody></table></section>`;
}
