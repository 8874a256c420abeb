// The box for a query: it completes fields and values with what there is, and shows the place of what
// cannot be read.

import { change, to } from "./address.mjs";
import { ask } from "./ask.mjs";
import { html, useEffect, useRef, useState } from "./html.mjs";

const MOST_SHOWN = 12;
const PATIENCE = 120;

/** `parameter` of the address holds the query of this `signal`. */
export function QueryBox({ label, query, problem, parameter = "q", placeholder, signal = "traces", id = "query", button = "Search" }) {
  const [text, setText] = useState(query);
  const [offers, setOffers] = useState(null);
  const [chosen, setChosen] = useState(-1);
  const box = useRef(null);
  const asked = useRef(0);
  useEffect(() => setText(query), [query]);
  useEffect(() => () => clearTimeout(asked.current), []);
  const isWrong = problem?.parameter === parameter;
  const data = offers?.data ?? [];

  const close = () => {
    clearTimeout(asked.current);
    setOffers(null);
    setChosen(-1);
  };
  const type = (event) => {
    setText(event.target.value);
    setChosen(-1);
    complete();
  };
  const complete = () => {
    clearTimeout(asked.current);
    asked.current = setTimeout(() => {
      const { value, selectionStart } = box.current;
      // The viewer counts characters, not the halves that a JavaScript string is made of.
      const at = [...value.slice(0, selectionStart)].length;
      ask(to("/api/query/completions", { q: value, at, signal })).then(
        (answer) => box.current?.value === value && setOffers({ ...answer, data: answer.data.slice(0, MOST_SHOWN) }),
        () => setOffers(null),
      );
    }, PATIENCE);
  };
  const take = (offer) => {
    const characters = [...text];
    const before = characters.slice(0, offers.from).join("") + offer.text;
    const after = characters.slice(offers.to).join("");
    const isField = offer.kind === "field";
    const made = isField ? `${before}:` : `${before} `;
    setText(made + after.trimStart());
    close();
    requestAnimationFrame(() => {
      box.current?.focus();
      box.current?.setSelectionRange(made.length, made.length);
      if (isField) complete();
    });
  };
  const submit = (event) => {
    event.preventDefault();
    close();
    // So that j and k go through what was found.
    document.activeElement?.blur();
    change({ [parameter]: text.trim() });
  };
  const press = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (data.length === 0) return void (event.key === "ArrowDown" && complete());
      event.preventDefault();
      setChosen((chosen + (event.key === "ArrowDown" ? 1 : chosen < 0 ? 0 : -1) + data.length) % data.length);
    } else if ((event.key === "Enter" || event.key === "Tab") && data[chosen]) {
      event.preventDefault();
      take(data[chosen]);
    } else if (event.key === "Escape" && data.length > 0) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  };
  const isOpen = data.length > 0;
  return html`<form class="query" role="search" aria-label=${label} onSubmit=${submit}>
    <label class="hidden" for=${id}>${label}</label>
    <span class="query-box"><input id=${id} ref=${box} type="search" spellcheck=${false} autocomplete="off" autocapitalize="off" value=${text}
      placeholder=${placeholder} role="combobox" aria-autocomplete="list" aria-expanded=${isOpen ? "true" : "false"} aria-controls=${`${id}-offers`}
      aria-activedescendant=${chosen >= 0 ? `${id}-offer-${chosen}` : undefined} aria-invalid=${isWrong ? "true" : "false"}
      aria-describedby=${isWrong ? `${id}-problem` : undefined} onInput=${type} onKeyDown=${press} onBlur=${close} />
      <ul class="offers" id=${`${id}-offers`} role="listbox" aria-label="Completions" hidden=${!isOpen}>
        ${data.map((offer, index) => html`<li id=${`${id}-offer-${index}`} role="option" aria-selected=${index === chosen ? "true" : "false"}
          onMouseDown=${(event) => { event.preventDefault(); take(offer); }}><span>${offer.text}</span>
          <span class="quiet">${offer.count === null ? offer.kind : offer.count.toLocaleString("en")}</span></li>`)}
      </ul></span>
    <button type="submit">${button}</button>
    ${isWrong && html`<${QueryProblem} id=${`${id}-problem`} query=${query} problem=${problem} />`}
  </form>`;
}

function QueryProblem({ id, query, problem }) {
  const characters = [...query];
  const end = problem.position + Math.max(problem.length, 1);
  const part = (from, until) => characters.slice(from, until).join("");
  return html`<div class="problem" id=${id} role="alert">
    <code class="place">${part(0, problem.position)}<mark>${part(problem.position, end) || "▁"}</mark>${part(end)}</code>
    <p>${problem.message}, at character ${problem.position + 1}${problem.expected?.length > 0
      && html`; right would be ${problem.expected.map((text, index) => html`${index > 0 && ", "}<code>${text}</code>`)}`}</p>
  </div>`;
}
