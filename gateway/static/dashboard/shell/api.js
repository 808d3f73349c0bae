// Asking the API: its answers, its refusals in words, and lists that keep themselves fresh.

import { store, useEffect, useRef, useState } from './ui.js';

/** Who asks, as the gateway says; `role` is null while it has not. `signIn`: a key is needed. `keys`: keys are in use. */
export const caller = store({ name: '', role: null, keys: false, signIn: false });

const RANK = { viewer: 0, submitter: 1, operator: 2, admin: 3 };

/** Whether the viewer may do what needs this role. The server decides; this only spares buttons that cannot work. */
export function useMay(role) {
  const { role: mine } = caller.use();
  return mine !== null && RANK[mine] >= RANK[role];
}

/** Ask who asks. */
export async function meet() {
  try {
    const { value } = await get('/session');
    caller.set({ name: value.name, role: value.role, keys: value.keys_needed, signIn: false });
  } catch {
    return false; // a 401 is in `caller` now; for anything else the stream comes again, and asks again
  }
  return true;
}

/** A refusal: `status` 0 means that nobody answered. `fields`: what is wrong where, when the server said so. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    Object.assign(this, {
      status,
      code: problem.code || '',
      title: problem.title || '',
      hint: problem.hint || '',
      fields: problem.errors || [],
      problem,
    });
  }
}

/** Ask; `{ value, text, headers }`, or a Refused. An answer of more than `most` bytes is not read: code `too_large`. */
export async function ask(method, path, body, { signal, headers = {}, most = Infinity } = {}) {
  const sent = method === 'GET' ? headers : { 'Content-Type': 'application/json', ...headers };
  let answer, text;
  try {
    answer = await fetch(path, {
      method,
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      headers: sent,
      signal,
      credentials: 'same-origin',
      cache: 'no-store',
    });
    const bytes = Number(answer.headers.get('content-length') || 0);
    if (bytes > most) {
      await answer.body.cancel();
      throw new Refused(413, {
        code: 'too_large',
        title: 'Too large for a page',
        detail: `The answer has ${bytes} bytes.`,
      });
    }
    text = await answer.text();
  } catch (wrong) {
    if (wrong instanceof Refused) throw wrong;
    if (wrong.name === 'AbortError') throw wrong;
    throw new Refused(0, { title: 'No answer', detail: 'The gateway did not answer. The page tries again by itself.' });
  }
  let value = null;
  if (text && (answer.headers.get('content-type') || '').includes('json')) value = JSON.parse(text);
  if (answer.status === 401) caller.set({ ...caller.get(), signIn: true });
  if (!answer.ok) throw new Refused(answer.status, value || { title: answer.statusText });
  return { value, text, headers: answer.headers, status: answer.status };
}

export const get = (path, options) => ask('GET', path, undefined, options);

/**
 * What is at a path: `{ value, text, error, loading, stale, reload }`. A value stays while a newer one is on its way or
 * refused. `again`: whenever it changes the path is asked again, but never before the last answer and `pauseMs`.
 * `url()` makes the address when it is asked, where it moves on with time; then `path` only names the question.
 */
export function useAsked(path, { again = null, pauseMs = 1000, url = null, most = Infinity } = {}) {
  const [state, set] = useState({ path: null, value: null, text: '', error: null, loading: true });
  const mine = useRef({}).current;
  const load = () => {
    if (!path) return;
    if (mine.asking === path) {
      mine.more = true;
      return;
    }
    mine.abort?.abort();
    mine.abort = new AbortController();
    mine.asking = path;
    const at = performance.now();
    set((old) => ({ ...old, loading: true }));
    get(url ? url() : path, { signal: mine.abort.signal, most })
      .then(
        ({ value, text }) => set({ path, value, text, error: null, loading: false }),
        (error) =>
          error.name === 'AbortError' ||
          set((old) => ({ ...(old.path === path ? old : { value: null, text: '' }), path, error, loading: false })),
      )
      .finally(() => {
        if (mine.asking !== path) return;
        mine.asking = null;
        mine.timer = setTimeout(
          () => {
            mine.timer = null;
            if (mine.more) [mine.more] = [false, load()];
          },
          Math.max(0, pauseMs - (performance.now() - at)),
        );
      });
  };
  mine.load = load;
  useEffect(() => {
    clearTimeout(mine.timer);
    mine.timer = null;
    mine.asking = null;
    mine.more = false;
    load();
    return () => {
      mine.abort?.abort();
      clearTimeout(mine.timer);
      mine.asking = null;
    };
  }, [path]);
  useEffect(() => {
    if (again === null || again === mine.seen) return;
    const first = mine.seen === undefined;
    mine.seen = again;
    if (first) return; // the path has just been asked
    if (mine.timer || mine.asking) mine.more = true;
    else mine.load();
  }, [again]);
  const stale = state.path !== path;
  return { ...state, stale, loading: state.loading || stale, reload: () => mine.load() };
}
