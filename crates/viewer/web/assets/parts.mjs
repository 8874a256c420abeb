// Parts that several pages have: the query box, what went wrong, lists of attributes, facets.

import { change } from "./address.mjs";
import { useAnswer } from "./ask.mjs";
import { value } from "./format.mjs";
import { html, useEffect, useState } from "./html.mjs";

/** `parameter` of the address holds the query. What cannot be read is shown with its place. */
export function QueryBox({ label, query, problem, parameter = "q", placeholder }) {
  const [text, setText] = useState(query);
  useEffect(() => setText(query), [query]);
  const isWrong = problem?.parameter === "q";
  const submit = (event) => {
    event.preventDefault();
    // So that j and k go through what was found.
    document.activeElement?.blur();
    change({ [parameter]: text.trim() });
  };
  return html`<form class="query" role="search" onSubmit=${submit}>
    <label class="hidden" for="query">${label}</label>
    <input id="query" type="search" spellcheck=${false} autocomplete="off" autocapitalize="off" value=${text}
      placeholder=${placeholder} aria-invalid=${isWrong ? "true" : "false"}
      aria-describedby=${isWrong ? "query-problem" : undefined} onInput=${(event) => setText(event.target.value)} />
    <button type="submit">Search</button>
    ${isWrong && html`<${QueryProblem} query=${query} problem=${problem} />`}
  </form>`;
}

function QueryProblem({ query, problem }) {
  // Positions count characters, not the halves that a JavaScript string is made of.
  const characters = [...query];
  const end = problem.position + Math.max(problem.length, 1);
  const part = (from, to) => characters.slice(from, to).join("");
  return html`<div class="problem" id="query-problem" role="alert">
    <code class="place">${part(0, problem.position)}<mark>${part(problem.position, end) || "▁"}</mark>${part(end)}</code>
    <p>${problem.message}, at character ${problem.position + 1}${problem.expected?.length > 0
      && html`; right would be ${problem.expected.map((text, index) => html`${index > 0 && ", "}<code>${text}</code>`)}`}</p>
  </div>`;
}

/** Whatever went wrong other than a query, which its box shows. */
export function Problem({ problem }) {
  return problem && problem.parameter !== "q" ? html`<p class="problem" role="alert">${problem.message}</p>` : null;
}

export function Choice({ label, name, chosen, choices }) {
  return html`<label class="choice">${label}
    <select value=${chosen ?? ""} onChange=${(event) => change({ [name]: event.target.value })}>
      ${choices.map(([key, text]) => html`<option value=${key} selected=${key === (chosen ?? "")}>${text}</option>`)}
    </select></label>`;
}

export const TIMES = [["", "all that is kept"], ["-15m", "last 15 minutes"], ["-1h", "last hour"], ["-1d", "last day"]];

export function Attributes({ title, attributes, dropped = 0 }) {
  if (attributes.length === 0 && dropped === 0) return null;
  return html`<section>${title && html`<h3>${title}</h3>`}
    <table class="attributes"><tbody>
      ${attributes.map((attribute) => html`<tr><th scope="row">${attribute.key}</th>
        <td><span class="value">${value(attribute)}</span></td><td class="type">${attribute.type}</td></tr>`)}
    </tbody></table>
    ${dropped > 0 && html`<p class="quiet">The SDK dropped ${dropped} more.</p>`}
  </section>`;
}

/** What the matches have; choosing a value adds its term to the query or takes it away. */
export function Facets({ path, query, from, tick, keys, counted }) {
  const { answer } = useAnswer(path, { q: query, from, keys, limit: 8 }, tick);
  const toggle = (term) => {
    const rest = ` ${query} `.replace(` ${term} `, " ").trim();
    change({ q: rest === query.trim() ? `${query} ${term}`.trim() : rest });
  };
  return html`<aside class="facets" aria-label="Filters">
    ${answer?.data.filter((facet) => facet.values.length > 0).map((facet) => html`<section><h2>${facet.field}</h2>
      <ul>${facet.values.map((item) => {
        const isChosen = ` ${query} `.includes(` ${item.query} `);
        return html`<li><button type="button" aria-pressed=${isChosen ? "true" : "false"} title=${item.query}
          onClick=${() => toggle(item.query)}><span>${value(item)}</span><span class="number">${item[counted]}</span></button></li>`;
      })}</ul></section>`)}
  </aside>`;
}
