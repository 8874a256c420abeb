// Parts that several pages have: what went wrong, choices, the time, lists of attributes, facets.

import { change, to } from "./address.mjs";
import { useAnswer } from "./ask.mjs";
import { term, time, value } from "./format.mjs";
import { html } from "./html.mjs";
import { Value } from "./value.mjs";

/** Whatever went wrong other than a query, which its box shows. */
export function Problem({ problem }) {
  return problem && problem.parameter !== "q" ? html`<p class="problem" role="alert">${problem.message}</p>` : null;
}

/** What the viewer let go of, as what is shown is then not all that was. */
export function Dropped({ signal, tick }) {
  const { answer } = useAnswer("/api/status", {}, tick);
  const lost = answer?.dropped.filter((it) => it.signal === signal && it.reason !== "cleared") ?? [];
  if (lost.length === 0) return null;
  return html`<a class="quiet" href="/health">older ones of ${lost.map((it, index) => html`${index > 0 && ", "}<bdi>${it.service}</bdi>`)} were let go</a>`;
}

export function Choice({ label, name, chosen, choices }) {
  return html`<label class="choice">${label}
    <select value=${chosen ?? ""} onChange=${(event) => change({ [name]: event.target.value })}>
      ${choices.map(([key, text]) => html`<option value=${key} selected=${key === (chosen ?? "")}>${text}</option>`)}
    </select></label>`;
}

const TIMES = [["", "all that is kept"], ["-15m", "last 15 minutes"], ["-1h", "last hour"], ["-1d", "last day"]];

/** How far back; what was chosen in a plot has a beginning and an end of its own. */
export function Time({ from, until }) {
  const isOwn = Boolean(until) || (Boolean(from) && !TIMES.some(([key]) => key === from));
  if (!isOwn) return html`<${Choice} label="Time" name="from" chosen=${from} choices=${TIMES} />`;
  const text = (moment, otherwise) => (/^\d+$/.test(moment ?? "") ? time(moment) : moment || otherwise);
  return html`<span class="choice">Time <button type="button" title="Show all times again" onClick=${() => change({ from: "", to: "" })}>
    ${text(from, "the beginning")} to ${text(until, "now")} ×</button></span>`;
}

/** To the next part of a list, which `answer` is a part of, and to its beginning. */
export function Parts({ answer, before }) {
  if (!answer || (!answer.next && !before)) return null;
  const show = (position) => {
    change({ before: position });
    document.getElementById("main").scrollTo(0, 0);
  };
  return html`<nav class="buttons" aria-label="Parts of the list">
    ${before && html`<button type="button" onClick=${() => show("")}>From the beginning</button>`}
    ${answer.next && html`<button type="button" onClick=${() => show(answer.next)}>More</button>`}</nav>`;
}

/** Ways to look at the same; the chosen one is in the address as `view`. */
export function Views({ label, views, chosen = "" }) {
  return html`<div class="views" role="group" aria-label=${label}>
    ${views.map(([key, text]) => html`<button type="button" aria-pressed=${key === chosen ? "true" : "false"} onClick=${() => change({ view: key })}>${text}</button>`)}
  </div>`;
}

/** With `isFound`, each value is a link to the traces that have it. */
export function Attributes({ title, attributes, dropped = 0, isFound = false }) {
  if (attributes.length === 0 && dropped === 0) return null;
  return html`<section>${title && html`<h3>${title}</h3>`}
    <table class="attributes"><tbody>
      ${attributes.map((attribute) => html`<tr><th scope="row">${attribute.key}</th>
        <td><${Value} typed=${attribute} />${isFound && term(attribute) && html` <a class="find" href=${to("/traces", { q: term(attribute) })} aria-label=${`Traces with this ${attribute.key}`}>find</a>`}</td><td class="type">${attribute.type}</td></tr>`)}
    </tbody></table>
    ${dropped > 0 && html`<p class="quiet">The SDK dropped ${dropped} more.</p>`}
  </section>`;
}

/** `query` with `term`, or without it where it is there. */
export function narrowed(query, term) {
  const rest = ` ${query} `.replace(` ${term} `, " ").trim();
  return rest === query.trim() ? `${query} ${term}`.trim() : rest;
}

/** What the matches have; choosing a value adds its term to the query or takes it away. */
export function Facets({ path, query, from, until, tick, keys, counted }) {
  const { answer } = useAnswer(path, { q: query, from, to: until, keys, limit: 8 }, tick);
  return html`<aside class="facets" aria-label="Filters">
    ${answer?.data.filter((facet) => facet.values.length > 0).map((facet) => html`<section><h2>${facet.field}</h2>
      <ul>${facet.values.map((item) => {
        const isChosen = ` ${query} `.includes(` ${item.query} `);
        return html`<li><button type="button" aria-pressed=${isChosen ? "true" : "false"} title=${item.query}
          onClick=${() => change({ q: narrowed(query, item.query) })}><span>${value(item)}</span><span class="number">${item[counted]}</span></button></li>`;
      })}</ul></section>`)}
  </aside>`;
}
