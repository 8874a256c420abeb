// What is drawn in pixels: a canvas as wide as there is room, and a plot of columns and rows of which
// a part can be chosen, with the pointer or with keys.

import { html, useLayoutEffect, useRef, useState } from "./html.mjs";
import { useTheme } from "./theme.mjs";

/** `draw(context, width, height)` is called again when one of `of`, the room or the theme changes. */
export function Canvas({ draw, of, height, label }) {
  const place = useRef(null);
  const isDark = useTheme();
  useLayoutEffect(() => {
    const canvas = place.current;
    let width = 0;
    const paint = () => {
      width = canvas.clientWidth;
      const scale = devicePixelRatio || 1;
      canvas.width = Math.max(1, Math.round(width * scale));
      canvas.height = Math.round(height * scale);
      const context = canvas.getContext("2d");
      context.scale(scale, scale);
      draw(context, width, height);
    };
    paint();
    const observer = new ResizeObserver(() => canvas.clientWidth !== width && paint());
    observer.observe(canvas);
    return () => observer.disconnect();
  }, [...of, height, isDark]);
  const role = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return html`<canvas ref=${place} style=${{ height: `${height}px` }} ...${role}></canvas>`;
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * A plot of `columns` and `rows`, the first row at the bottom. `choose(part)` gets what was dragged
 * over, or marked with arrows (Shift widens) and taken with Enter; `tell(part)` says in words what a
 * part holds. A part is `{ left, right, low, high }`, all inclusive.
 */
export function Plot({ label, columns, rows = 1, height, draw, of, tell, choose, ends, times }) {
  const [part, setPart] = useState(null);
  const origin = useRef(null);
  const isDragged = useRef(false);
  const cell = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = (length, whole, count) => Math.min(Math.max(Math.floor((length / Math.max(1, whole)) * count), 0), count - 1);
    return [at(event.clientX - box.left, box.width, columns), rows - 1 - at(event.clientY - box.top, box.height, rows)];
  };
  const span = ([a, b], [c, d]) => ({ left: Math.min(a, c), right: Math.max(a, c), low: Math.min(b, d), high: Math.max(b, d) });
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const [x, y] = part?.at ?? [columns - 1 + (arrow[0] < 0 ? 1 : -1), arrow[1] < 0 ? 1 : -1];
      const at = [Math.min(Math.max(x + arrow[0], 0), columns - 1), Math.min(Math.max(y + arrow[1], 0), rows - 1)];
      const from = event.shiftKey && part ? part.from : at;
      setPart({ ...span(from, at), from, at });
    } else if (event.key === "Enter" && part && choose) {
      choose(part);
      setPart(null);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const begin = (event) => {
    if (!choose || event.button !== 0) return;
    // So that a drag that leaves the plot ends at its edge.
    event.currentTarget.setPointerCapture(event.pointerId);
    origin.current = cell(event);
    isDragged.current = true;
    setPart({ ...span(origin.current, origin.current), from: origin.current, at: origin.current });
  };
  const go = (event) => {
    const at = cell(event);
    const from = isDragged.current ? origin.current : at;
    setPart({ ...span(from, at), from, at });
  };
  const end = () => {
    if (!isDragged.current) return;
    isDragged.current = false;
    if (part) choose(part);
    setPart(null);
  };
  const percent = (value, whole) => `${(100 * value) / whole}%`;
  return html`<div class="plot">
    ${ends && html`<div class="plot-ends" aria-hidden="true"><span>${ends[1]}</span><span>${ends[0]}</span></div>`}
    <div class="plot-box" tabindex="0" role="group" aria-label=${`${label}. ${choose ? "Arrows mark, Shift and arrows mark more, Enter chooses." : "Arrows tell values."}`}
      onKeyDown=${press} onPointerDown=${begin} onPointerMove=${go} onPointerUp=${end} onPointerLeave=${() => !isDragged.current && setPart(null)} onBlur=${() => setPart(null)}>
      <${Canvas} draw=${draw} of=${of} height=${height} />
      ${part && html`<div class="plot-part" style=${{ left: percent(part.left, columns), width: percent(part.right - part.left + 1, columns), bottom: percent(part.low, rows), height: percent(part.high - part.low + 1, rows) }}></div>`}
    </div>
    ${times && html`<div class="plot-times" aria-hidden="true"><span>${times[0]}</span><span>${times[1]}</span></div>`}
    <p class="plot-text quiet" aria-live="polite">${part ? tell(part) : "\u00a0"}</p>
  </div>`;
}
