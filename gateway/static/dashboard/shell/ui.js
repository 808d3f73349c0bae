// The one door to the vendored Preact and htm, and the few things that every screen shares: small stores and hooks.

export {
  Component,
  html,
  render,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from '../vendor/preact/standalone.module.js';
import { useEffect, useState } from '../vendor/preact/standalone.module.js';

/** A value that components can watch: `get`, `set`, `use` (a hook: the component is drawn again when it changes). */
export function store(value) {
  const watchers = new Set();
  const get = () => value;
  const set = (next) => {
    if (Object.is(next, value)) return;
    value = next;
    for (const watch of [...watchers]) watch(value);
  };
  const watch = (call) => {
    watchers.add(call);
    return () => watchers.delete(call);
  };
  const use = () => {
    const [, draw] = useState(value);
    useEffect(() => {
      draw(value); // it may have changed between drawing and watching
      return watch((next) => draw(next));
    }, []);
    return value;
  };
  return { get, set, watch, use };
}

/** A store whose value outlives the page, in localStorage where the browser gives one. */
export function kept(name, fallback, allowed) {
  const key = `headrace.${name}`;
  let first = fallback;
  try {
    const found = localStorage.getItem(key);
    if (allowed.includes(found)) first = found;
  } catch {
    /* a browser that keeps nothing: the fallback, each time */
  }
  const made = store(first);
  made.watch((next) => {
    try {
      localStorage.setItem(key, next);
    } catch {
      /* as above */
    }
  });
  return made;
}

const AGAIN_MS = 3000;

/** Something of a module that is loaded when it is first needed; null until it is there. While nobody answers: again. */
export function useModule(load, name) {
  const [found, set] = useState(null);
  useEffect(() => {
    let here = true;
    let timer = 0;
    const attempt = () =>
      load().then(
        (module) => here && set(() => module[name]),
        () => {
          timer = here ? setTimeout(attempt, AGAIN_MS) : 0;
        },
      );
    attempt();
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, []);
  return found;
}

/** Draw the component again every so many milliseconds, for ages that grow while nothing arrives. */
export function useTick(ms) {
  const [, draw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || draw((n) => n + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
}
