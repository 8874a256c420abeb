// The address is the page's state: what is shown follows from it, so that reload, back and a link
// that somebody was sent all show the same.

import { useEffect, useState } from "./html.mjs";

const listeners = new Set();
addEventListener("popstate", announce);

function announce() {
  for (const listener of listeners) listener();
}

function current() {
  return { path: location.pathname, parameters: Object.fromEntries(new URLSearchParams(location.search)) };
}

export function useAddress() {
  const [address, setAddress] = useState(current);
  useEffect(() => {
    const listener = () => setAddress(current());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return address;
}

/** `path` with those of `parameters` that say something. */
export function to(path, parameters = {}) {
  const kept = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const query = new URLSearchParams(kept).toString();
  return query ? `${path}?${query}` : path;
}

export function go(address) {
  if (address === location.pathname + location.search) return;
  history.pushState(null, "", address);
  announce();
}

// Where one of these changes, a list is another one, and is shown from its beginning.
const OF_LISTS = ["q", "sort", "from", "to", "least"];

/** Changes parameters of this address; `replace` adds no step to the history. */
export function change(parameters, replace = false) {
  const begin = OF_LISTS.some((name) => name in parameters) ? { before: "" } : {};
  const address = to(location.pathname, { ...current().parameters, ...begin, ...parameters });
  if (!replace) return go(address);
  history.replaceState(null, "", address);
  announce();
}

/** Lets links within the page change what is shown without loading it anew. */
export function followLinks(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[href]");
  const href = link?.getAttribute("href");
  if (!href?.startsWith("/") || href.startsWith("//") || href.startsWith("/api/") || link.hasAttribute("target")) return;
  event.preventDefault();
  go(href);
}
