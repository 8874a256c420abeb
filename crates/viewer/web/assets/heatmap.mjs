// Counts over time as a grid: the darker a field, the more is in it. For durations of traces, for the
// buckets of histograms, and, with one row, for log records.

import { Plot } from "./canvas.mjs";
import { count, time } from "./format.mjs";
import { html } from "./html.mjs";
import { colour } from "./theme.mjs";

/** The beginning of a column, as text of nanoseconds since the epoch. */
export function begin(answer, column) {
  return String(BigInt(answer.from_unix_nanos) + BigInt(column) * BigInt(answer.step_nanos));
}

function sum(grid, { left, right, low, high }) {
  let all = 0;
  for (let x = left; x <= right; x += 1) for (let y = low; y <= high; y += 1) all += grid[x]?.[y] ?? 0;
  return all;
}

/** `bound` writes one of the bounds; `answer` has `counts`, `bounds` and maybe `errors`, by column and row. */
export function Heatmap({ label, answer, bounds, bound, choose, noun, height = 132 }) {
  const { counts, errors } = answer;
  const columns = counts.length;
  const rows = bounds.length - 1;
  if (columns === 0 || rows < 1) return null;
  const draw = (context, width, tall) => {
    const most = Math.log1p(Math.max(1, ...counts.map((column) => Math.max(0, ...column))));
    const [fine, bad] = [colour("accent"), colour("bad")];
    for (let x = 0; x < columns; x += 1) {
      for (let y = 0; y < rows; y += 1) {
        const number = counts[x][y];
        if (!number) continue;
        context.globalAlpha = 0.2 + (0.8 * Math.log1p(number)) / most;
        context.fillStyle = errors?.[x]?.[y] ? bad : fine;
        const [left, top] = [Math.floor((x * width) / columns), Math.floor(((rows - 1 - y) * tall) / rows)];
        context.fillRect(left, top, Math.max(1, Math.floor(((x + 1) * width) / columns) - left - 1), Math.max(1, Math.floor(((rows - y) * tall) / rows) - top - 1));
      }
    }
  };
  const tell = (part) => {
    const failed = errors ? sum(errors, part) : 0;
    return `${time(begin(answer, part.left))} to ${time(begin(answer, part.right + 1))}, ${bound(bounds[part.low])} to ${bound(bounds[part.high + 1])}: ${count(sum(counts, part), noun)}${failed > 0 ? `, ${failed} failed` : ""}`;
  };
  return html`<${Plot} label=${label} columns=${columns} rows=${rows} height=${height} draw=${draw} of=${[answer]} tell=${tell} choose=${choose}
    ends=${[bound(bounds[0]), bound(bounds[rows])]} times=${[time(begin(answer, 0)), time(begin(answer, columns))]} />`;
}

/** `layers` are `[name, colour, counts by column]`, drawn on each other. */
export function Histogram({ label, answer, layers, choose, noun, height = 56 }) {
  const columns = Math.max(0, ...layers.map(([, , counts]) => counts.length));
  if (columns === 0) return null;
  const total = (column) => layers.reduce((all, [, , counts]) => all + (counts[column] ?? 0), 0);
  const draw = (context, width, tall) => {
    const most = Math.max(1, ...Array.from({ length: columns }, (_, column) => total(column)));
    for (let x = 0; x < columns; x += 1) {
      let bottom = tall;
      const left = Math.floor((x * width) / columns);
      for (const [, hue, counts] of layers) {
        if (!counts[x]) continue;
        const length = Math.max(1, (counts[x] * (tall - 2)) / most);
        context.fillStyle = colour(hue);
        context.fillRect(left, bottom - length, Math.max(1, Math.floor(((x + 1) * width) / columns) - left - 1), length);
        bottom -= length;
      }
    }
  };
  const tell = ({ left, right }) => {
    const parts = layers.map(([name, , counts]) => [name, counts.slice(left, right + 1).reduce((all, number) => all + number, 0)]).filter(([, number]) => number > 0);
    const all = parts.reduce((whole, [, number]) => whole + number, 0);
    return `${time(begin(answer, left))} to ${time(begin(answer, right + 1))}: ${count(all, noun)}${parts.map(([name, number]) => `, ${number} ${name}`).join("")}`;
  };
  return html`<${Plot} label=${label} columns=${columns} height=${height} draw=${draw} of=${[answer]} tell=${tell} choose=${choose} times=${[time(begin(answer, 0)), time(begin(answer, columns))]} />`;
}
