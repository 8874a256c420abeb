// Copies what the page is drawn with from node_modules to assets/vendor, where it is kept with the
// sources: whoever builds the viewer needs no npm.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const FILES = {
  "preact/dist/preact.mjs": "preact.mjs",
  "preact/hooks/dist/hooks.mjs": "hooks.mjs",
  "preact/LICENSE": "preact.LICENSE.txt",
  "htm/dist/htm.mjs": "htm.mjs",
  "htm/LICENSE": "htm.LICENSE.txt",
  "uplot/dist/uPlot.iife.min.js": "uplot.min.js",
  "uplot/dist/uPlot.min.css": "uplot.css",
  "uplot/LICENSE": "uplot.LICENSE.txt",
};
const here = (path) => new URL(path, import.meta.url);

mkdirSync(here("assets/vendor/"), { recursive: true });
for (const [source, target] of Object.entries(FILES)) {
  const content = readFileSync(here(`node_modules/${source}`), "utf8")
    // A browser finds files, not packages, and an import map in the page would be an inline script.
    .replaceAll('from"preact"', 'from"./preact.mjs"')
    // The maps are not part of the program.
    .replace(/\n?\/\/# sourceMappingURL=.*\n?$/, "\n");
  writeFileSync(here(`assets/vendor/${target}`), content);
}
