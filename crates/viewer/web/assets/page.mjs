// The page's frame: navigation, the state of the connection, keys, and which page the address names.

import { followLinks, to, useAddress } from "./address.mjs";
import { openStream, pause, useStream } from "./ask.mjs";
import { Compare } from "./compare.mjs";
import { Health } from "./health.mjs";
import { html, render, useEffect, useRef } from "./html.mjs";
import { KEYS, press } from "./keys.mjs";
import { Logs } from "./logs.mjs";
import { Metrics } from "./metrics.mjs";
import { Now } from "./now.mjs";
import { Runs } from "./runs.mjs";
import { Services } from "./services.mjs";
import { Sql } from "./sql.mjs";
import { startTheme, turnTheme, useTheme } from "./theme.mjs";
import { Trace } from "./trace.mjs";
import { Traces } from "./traces.mjs";
import { turnZone, useZone } from "./zone.mjs";

const PAGES = [
  ["", "Now", Now], ["traces", "Traces", Traces], ["services", "Services", Services], ["logs", "Logs", Logs],
  ["metrics", "Metrics", Metrics], ["runs", "Runs", Runs], ["compare", "Compare", Compare], ["health", "Health", Health],
  ["sql", "SQL", Sql],
];

function Page() {
  const { path, parameters } = useAddress();
  const [first = "", second] = path.split("/").filter(Boolean);
  const known = PAGES.find(([key]) => key === first);
  const isTrace = first === "traces" && second !== undefined;
  // All that is shown has times, so all is shown anew when they are to be others.
  useZone();
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
        ${PAGES.map(([key, text]) => html`<a href=${to(`/${key}`)} aria-current=${key === first ? "page" : undefined}>${text}</a>`)}
      </nav>
      <${Stream} />
    </header>
    <main id="main" tabindex="-1">
      ${isTrace && html`<${Trace} key=${second} id=${second} parameters=${parameters} />`}
      ${!isTrace && known && html`<${known[2]} parameters=${parameters} />`}
      ${!isTrace && !known && html`<h1>Not found</h1><p>There is no page at <code>${path}</code>.</p>`}
    </main>
    <${Keys} />`;
}

function Keys() {
  return html`<dialog id="keys" aria-labelledby="keys-title"><form method="dialog"><h1 id="keys-title">Keys</h1>
    ${KEYS.map(([place, keys]) => html`<h2>${place}</h2><dl>${keys.map(([key, text]) => html`<dt><kbd>${key}</kbd></dt><dd>${text}</dd>`)}</dl>`)}
    <button>Close</button></form></dialog>`;
}

function Stream() {
  const { state, isPaused } = useStream();
  const isDark = useTheme();
  const isUtc = useZone();
  const text = { live: isPaused ? "paused" : "live", lost: "no connection to the viewer", connecting: "connecting" }[state];
  return html`<div class="stream">
    <button type="button" class="plain-button" aria-pressed=${isUtc ? "true" : "false"} title="Times in UTC" onClick=${turnZone}>UTC</button>
    <button type="button" class="plain-button" onClick=${turnTheme}>${isDark ? "Light" : "Dark"}</button>
    <button type="button" class="plain-button" aria-haspopup="dialog" onClick=${() => document.getElementById("keys").showModal()}>Keys <kbd>?</kbd></button>
    <span role="status" class=${`state ${isPaused ? "paused" : state}`}>${text}</span>
    <button type="button" aria-pressed=${isPaused ? "true" : "false"} onClick=${() => pause(!isPaused)}>Pause</button>
  </div>`;
}

document.addEventListener("click", followLinks);
document.addEventListener("keydown", press);
startTheme();
render(html`<${Page} />`, document.body);
openStream();
