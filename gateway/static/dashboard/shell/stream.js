// The one stream of this tab: what all screens know of the system, a frame a second, and the task that is looked at.
//
//     /dashboard/stream?task=… ── snapshot, frame, task, bye ──▶ live ──▶ every screen
//
// A tab that nobody sees listens to nothing. Whoever comes back gets a snapshot, so nothing needs to be made up for.

import { caller, get } from './api.js';
import { now, setClock } from './time.js';
import { store } from './ui.js';

const QUIET_MS = 6_000; // so long without a frame: the connection is not what it says it is
const RETRY_MS = [500, 1000, 2000, 4000]; // and then every four seconds

/**
 * `status`: connecting, live, away (the gateway answers, the store does not), reconnecting, offline, paused.
 * `frame` stays what it was when nothing new arrives. `at`: when it arrived, by performance.now().
 */
export const live = store({ status: 'connecting', frame: null, series: null, at: 0, tries: 0, held: 0 });

/** The task that is followed, as the stream last told it: `{ id, task }`. */
export const followed = store({ id: '', task: null });

let source = null, timer = null, watchdog = null, paused = false, held = null;

const set = (changes) => live.set({ ...live.get(), ...changes });

function take(frame) {
  if (paused) {
    held = frame;
    set({ held: live.get().held + 1 });
    return;
  }
  const { frame: before } = live.get();
  const away = frame.store && frame.store.ok === false;
  if (frame.at) setClock(typeof frame.at === 'number' ? frame.at : Date.parse(frame.at));
  // A store that is away says nothing new: what it said last stays on the screen.
  const shown = away && before ? { ...before, store: frame.store } : frame;
  const { series = live.get().series, ...rest } = shown;
  set({ frame: rest, series, status: away ? 'away' : 'live', at: performance.now(), tries: 0 });
  if (frame.caller) caller.set({ ...caller.get(), ...frame.caller, signIn: false });
}

function heard() {
  clearTimeout(watchdog);
  watchdog = setTimeout(again, QUIET_MS);
}

function listen() {
  close();
  const { id } = followed.get();
  source = new EventSource(`/dashboard/stream${id ? `?task=${encodeURIComponent(id)}` : ''}`);
  heard();
  for (const name of ['snapshot', 'frame']) {
    source.addEventListener(name, (event) => {
      heard();
      take(JSON.parse(event.data));
    });
  }
  source.addEventListener('task', (event) => {
    if (!paused) followed.set({ id: followed.get().id, task: JSON.parse(event.data), text: event.data });
  });
  source.addEventListener('bye', again);
  source.addEventListener('error', again);
}

function close() {
  clearTimeout(watchdog);
  clearTimeout(timer);
  source?.close();
  source = null;
}

function again() {
  close();
  const tries = live.get().tries + 1;
  if (!paused) set({ status: tries > 2 ? 'offline' : 'reconnecting', tries });
  else set({ tries });
  timer = setTimeout(async () => {
    if (tries === 1 || tries % 3 === 0) await ask(); // EventSource never says why: a plain request does
    if (!document.hidden) listen();
  }, RETRY_MS[Math.min(tries, RETRY_MS.length) - 1]);
}

async function ask() {
  try {
    await get('/queues');
  } catch { /* a 401 is in `caller` now; anything else is what the pill says */ }
}

/** Begin, and go on as long as the page lives. */
export function start() {
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : listen()));
  caller.watch(({ signIn }) => signIn && close());
  listen();
}

/** After signing in, or by the viewer's wish: now, not at the next try. */
export function reconnect() {
  set({ tries: 0, status: 'connecting' });
  listen();
}

/** Follow one task beside the frames; "" for none. */
export function follow(id) {
  if (id === followed.get().id) return;
  followed.set({ id, task: null, text: '' });
  if (!document.hidden && !caller.get().signIn) listen();
}

/** Hold the screen still, or let it go on with what has come meanwhile. */
export function pause(on = !paused) {
  if (on === paused) return;
  paused = on;
  if (on) set({ status: 'paused', held: 0 });
  else {
    set({ status: live.get().tries ? 'reconnecting' : 'live', held: 0 });
    if (held) take(held);
    held = null;
  }
}

/** How old what is shown is, in ms. */
export const age = () => (live.get().at ? performance.now() - live.get().at : null);
export { now };
