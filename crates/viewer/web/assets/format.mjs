// How times, amounts and values are written.

import { isUtc } from "./zone.mjs";

export function duration(nanos) {
  if (nanos === null || nanos === undefined || nanos < 0) return "–";
  if (nanos < 1e3) return `${nanos} ns`;
  if (nanos < 1e6) return `${digits(nanos / 1e3)} µs`;
  if (nanos < 1e9) return `${digits(nanos / 1e6)} ms`;
  if (nanos < 60e9) return `${digits(nanos / 1e9)} s`;
  const seconds = Math.round(nanos / 1e9);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function digits(value) {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function amount(value, unit) {
  if (value === null || value === undefined) return "–";
  const text = typeof value === "number"
    ? value.toLocaleString("en", { maximumSignificantDigits: Number.isInteger(value) ? 15 : 4 })
    : String(value);
  return unit && unit !== "1" ? `${text} ${unit}` : text;
}

/** `1 span`, `2 spans`. */
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let power = 0;
  while (value >= 1024 && power < units.length - 1) {
    value /= 1024;
    power += 1;
  }
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

/** `nanos` is a text, as nanoseconds since the epoch do not fit a number. Times in UTC end with a Z. */
export function time(nanos) {
  if (!nanos || nanos === "0") return "no time";
  const [day, clock] = onClock(new Date(Number(BigInt(nanos) / 1_000_000n)));
  const [today] = onClock(new Date());
  return day === today ? clock : `${day} ${clock}`;
}

/** Day and time of the clock that somebody chose. */
function onClock(date) {
  if (isUtc()) return date.toISOString().split("T");
  const two = (number) => String(number).padStart(2, "0");
  return [
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`,
  ];
}

/** A typed value as text; strings inside lists and maps are quoted, so that they can be told from numbers. */
export function value(typed, isInside = false) {
  if (!typed) return "";
  switch (typed.type) {
    case "string":
      return isInside ? JSON.stringify(typed.value) : typed.value;
    case "array":
      return `[${typed.value.map((item) => value(item, true)).join(", ")}]`;
    case "map":
      return `{${typed.value.map((item) => `${JSON.stringify(item.key)}: ${value(item, true)}`).join(", ")}}`;
    case "empty":
      return "(empty)";
    default:
      return String(typed.value);
  }
}

/** The term of a query that finds what has this attribute; null where its kind cannot be asked for. */
export function term({ key, type, value: held }) {
  if (!["string", "int", "bool", "double"].includes(type)) return null;
  return `${/^[\w./@-]+$/.test(key) ? key : quoted(key)}=${quoted(String(held))}`;
}

/** `text` as a term of the query language can hold it. */
export function quoted(text) {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

const HUES = 8;

/** The class of a service's colour: the same at every start, as it comes from the name. */
export function hue(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return `hue-${sum % HUES}`;
}
