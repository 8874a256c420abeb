// Times as the clock of this machine has them, or in UTC.

import { choice } from "./chosen.mjs";

const zone = choice("oxitel-zone", ["utc", "local"]);

export function isUtc() {
  return zone.get() === "utc";
}

export function turnZone() {
  zone.set(isUtc() ? "local" : "utc");
}

/** Whether times are in UTC, told anew when that changes. */
export function useZone() {
  return zone.use(isUtc);
}
