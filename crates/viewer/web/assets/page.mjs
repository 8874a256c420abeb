// The page's frame: navigation, the state of the connection, keys, and which page the address names.

import { followLinks, to, useAddress } from "./address.mjs";
import { openStream, pause, useStream } from "./ask.mjs";
import { Health } from "./health.mjs";
import { html, render, useEffect, useRef } from "./html.mjs";
import { KEYS, press } from "./keys.mjs";
import { Logs } from "./logs.mjs";
import { Metrics } from "./metrics.mjs";
import { Trace } from "./trace.mjs";
import { Traces } from "./traces.mjs";

const PAGES = [["traces", "Traces", Traces], ["logs", "Logs", Logs], ["metrics", "Metrics", Metrics], ["health", "Health", Health]];

function Page() {
  const { path, parameters } = useAddress();
  const [first = "", second] = path.split("/").filter(Boolean);
  const name = first === "" ? "traces" : first;
  const known = PAGES.find(([key]) => key === name);
  const isTrace = name === "traces" && second !== undefined;
  const title = isTrace ? `Trace ${second.slice(0, 8)}` : known?.[1] ?? "Not found";
  useEffect(() => {
    document.title = `${title} · Oxitel viewer`;
  }, [title]);
  // Whoever opened something by key goes on in it, not at the head of the page.
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current !== path) document.getElementById("main").focus();
    shown.current = path;
  }, [path]);
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header>
      <nav aria-label="Pages">
        ${PAGES.map(([key, text]) => html`<a href=${to(`/${key}`)} aria-current=${key === name ? "page" : undefined}>${text}</a>`)}
      </nav>
      <${Stream} />
    </header>
    <main id="main" tabindex="-1">
      ${isTrace && html`<${Trace} key=${second} id=${second} parameters=${parameters} />`}
      ${!isTrace && known && html`<${known[2]} parameters=${parameters} />`}
      ${!known && html`<h1>Not found</h1><p>There is no page at <code>${path}</code>.</p>`}
    </main>`;
}

function Stream() {
  const { state, isPaused } = useStream();
  const text = { live: isPaused ? "paused" : "live", lost: "no connection to the viewer", connecting: "connecting" }[state];
  return html`<div class="stream">
    <details class="keys"><summary>Keys</summary><dl>${KEYS.map(([keys, text]) => html`<dt><kbd>${keys}</kbd></dt><dd>${text}</dd>`)}</dl></details>
    <span role="status" class=${`state ${isPaused ? "paused" : state}`}>${text}</span>
    <button type="button" aria-pressed=${isPaused ? "true" : "false"} onClick=${() => pause(!isPaused)}>Pause</button>
  </div>`;
}

document.addEventListener("click", followLinks);
document.addEventListener("keydown", press);
render(html`<${Page} />`, document.body);
openStream();
