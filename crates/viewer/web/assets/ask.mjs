// Questions to the viewer, and being told when something arrived.

import { to } from "./address.mjs";
import { useEffect, useState } from "./html.mjs";

/** The viewer's refusal: `message`, and of a query also `position`, `length` and `expected`. */
class Refusal extends Error {
  constructor(error, status) {
    super(error?.message ?? `the viewer answered with status ${status}`);
    Object.assign(this, error);
  }
}

const json = (response) => response.json();

/** `read` gets what it says out of a response that is no refusal. */
export async function ask(address, signal, options = {}, read = json) {
  let response;
  try {
    response = await fetch(address, { signal, ...options });
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new Error("the viewer cannot be reached; what is shown is what it said last", { cause: failure });
  }
  const answer = await (response.ok ? read : json)(response).catch(() => null);
  if (!response.ok) throw new Refusal(answer?.error, response.status);
  if (answer === null) throw new Error("the viewer's answer cannot be read");
  return answer;
}

/** Changes something: the header is one that no page of another site can send. */
export function tellViewer(address, document) {
  const headers = { "content-type": "application/json", "x-oxitel": "1" };
  return ask(address, undefined, { method: "POST", headers, body: JSON.stringify(document) });
}

/**
 * The answer to a question, asked again whenever `tick` changes. While a new one is on its way the
 * old one stays, so that the page does not flicker; `answer.of` tells which path it belongs to.
 */
export function useAnswer(path, parameters = {}, tick = 0, read = json) {
  const address = path && to(path, parameters);
  const [state, setState] = useState({ answer: null, problem: null, of: null });
  useEffect(() => {
    if (!address) return undefined;
    const abort = new AbortController();
    ask(address, abort.signal, {}, read).then(
      (answer) => setState({ answer, problem: null, of: path }),
      (problem) => {
        if (problem.name === "AbortError") return;
        // A refusal answers this question; what an older one brought does not.
        setState((old) => (problem instanceof Refusal ? { answer: null, problem, of: path } : { ...old, problem }));
      },
    );
    return () => abort.abort();
  }, [address, tick]);
  return state.of === path ? state : { answer: null, problem: state.problem };
}

const stream = { source: null, listeners: new Set(), isPaused: false, state: "connecting" };

function tell(arrived) {
  for (const listener of stream.listeners) listener(arrived);
}

export function openStream() {
  stream.source = new EventSource("/api/live");
  stream.source.addEventListener("change", () => tell(true));
  stream.source.onopen = () => {
    // What came while there was no connection was not announced.
    const wasLost = stream.state === "lost";
    stream.state = "live";
    tell(wasLost);
  };
  stream.source.onerror = () => {
    stream.state = "lost";
    tell(false);
    // The browser tries again by itself, unless it was refused.
    if (stream.source.readyState === EventSource.CLOSED) setTimeout(openStream, 5000);
  };
}

export function pause(isPaused) {
  stream.isPaused = isPaused;
  tell(true);
}

export function isPaused() {
  return stream.isPaused;
}

export function useStream() {
  const [state, setState] = useState({ state: stream.state, isPaused: stream.isPaused });
  useEffect(() => {
    const listener = () => setState({ state: stream.state, isPaused: stream.isPaused });
    stream.listeners.add(listener);
    return () => stream.listeners.delete(listener);
  }, []);
  return state;
}

/** A number that grows when something arrived, at most once in `milliseconds`, and not while nobody looks. */
export function useTick(milliseconds) {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    let timer = null;
    let last = 0;
    const fire = () => {
      timer = null;
      if (stream.isPaused || document.hidden) return;
      last = Date.now();
      setTick((old) => old + 1);
    };
    const listener = (arrived) => {
      if (arrived && timer === null) timer = setTimeout(fire, Math.max(0, last + milliseconds - Date.now()));
    };
    const seen = () => listener(!document.hidden);
    stream.listeners.add(listener);
    document.addEventListener("visibilitychange", seen);
    return () => {
      stream.listeners.delete(listener);
      document.removeEventListener("visibilitychange", seen);
      clearTimeout(timer);
    };
  }, [milliseconds]);
  return tick;
}
