// The same question for the command line, to be copied.

import { html, useState } from "./html.mjs";
import { copy } from "./keys.mjs";

const USUAL_PORT = "4318";

/** `oxitel view` with a verb, its words and those options that say something. */
export function command(verb, words, options = {}) {
  const named = Object.entries(options).filter(([, value]) => value).flatMap(([name, value]) => [`--${name}`, value]);
  const address = location.port === USUAL_PORT ? [] : ["--from", `127.0.0.1:${location.port}`];
  return ["oxitel", "view", verb, ...words.filter(Boolean), ...named, ...address].map(forShell).join(" ");
}

function forShell(word) {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function AsCommand({ text }) {
  const [said, say] = useState(null);
  const isShown = said?.text === text;
  return html`<button type="button" class="link" onClick=${() => copy(text, (came) => say({ text, came }))}>As command</button>
    <span role="status" class="command">${isShown && html`<code>${text}</code> <span class="quiet">${said.came}</span>`}</span>`;
}
