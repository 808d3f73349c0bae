// The one stream of this tab: what all screens know of the system, a frame a second, and the task that is looked at.
//
//     /dashboard/stream?task=… ── snapshot, frame, task, bye ──▶ live ──▶ every screen
//
// A tab that nobody sees listens to nothing. Whoever comes back gets a snapshot, so nothing needs to be made up for. Where
// no stream gets through, the same is asked for every two seconds.

import { caller, get, meet } from './api.js';
import { members } from './numbers.js';
import { now, setClock } from './time.js';
import { store } from './ui.js';

const QUIET_MS = 6_000; // so long without a frame: the connection is not what it says it is
const RETRY_MS = [500, 1000, 2000, 4000]; // and then every four seconds
const POLL_MS = 2_000;
const SEEK_MS = 30_000;

/**
 * `status`: connecting, live, polling (no stream gets through), away (the gateway answers, the store does not),
 * reconnecting, offline, paused.
 * `frame` stays what it was when nothing new arrives. `at`: when it arrived, by performance.now().
 */
export const live = store({ status: 'connecting', frame: null, series: null, at: 0, tries: 0, held: 0 });

/** The task that is followed, as the stream last told it: `text` is its JSON, `points` its estimates so far. */
const NOBODY = { task: null, text: '', gone: false, resultBytes: null, points: [] };
export const followed = store({ id: '', ...NOBODY });

/** Jobs that ended lately, the oldest first: those of the frames, and those that a screen has fetched from further back. */
export const spans = store([]);
const SPANS_KEPT = 5000;
const RECENT_MS = 15_000; // that a fetch may be on its way
let recent = [];

let source = null,
  timer = null,
  watchdog = null,
  probe = null,
  probing = null,
  turn = 0, // whoever waited for an answer in an older one has nothing to say any more
  mode = '', // how what is shown came: live, polling
  paused = false,
  held = null;

const set = (changes) => live.set({ ...live.get(), ...changes });

function take(frame) {
  if (paused) {
    held = { ...frame, spans: [...(held?.spans || []), ...(frame.spans || [])] };
    set({ held: live.get().held + 1 });
    return;
  }
  const { frame: before } = live.get();
  const away = frame.store && frame.store.ok === false;
  if (frame.at) setClock(typeof frame.at === 'number' ? frame.at : Date.parse(frame.at));
  // A store that is away says nothing new: what it said last stays on the screen.
  const shown = away && before ? { ...before, store: frame.store } : frame;
  const { series = live.get().series, spans: fresh = [], ...rest } = shown;
  recent = [...recent, ...fresh].filter((span) => span.to_ms > now() - RECENT_MS);
  addSpans(fresh);
  set({ frame: rest, series, status: away ? 'away' : mode, at: performance.now(), tries: 0 });
}

/** All jobs up to a time, as they were fetched; what the frames have brought since stays. */
export function setSpans(fetched, untilMs) {
  spans.set(fetched);
  addSpans(recent.filter((span) => span.to_ms > untilMs));
}

/** Put jobs beside those that are known; the newest five thousand are kept. */
function addSpans(fresh) {
  if (!fresh.length) return;
  const known = new Map(spans.get().map((span) => [keyOf(span), span]));
  for (const span of fresh) known.set(keyOf(span), span);
  spans.set([...known.values()].sort((a, b) => a.from_ms - b.from_ms).slice(-SPANS_KEPT));
}

const keyOf = (span) => `${span.consumer}/${span.child}/${span.from_ms}/${span.task_id}/${span.part}`;

function heard() {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => again(mode !== 'live'), QUIET_MS);
}

const asks = (path) => `${path}${followed.get().id ? `?task=${encodeURIComponent(followed.get().id)}` : ''}`;

function follows({ task, gone, result_bytes: resultBytes, points }, text) {
  if (!paused) followed.set({ id: followed.get().id, task, text, gone, resultBytes, points });
}

function listen() {
  close();
  heard();
  source = opened();
  source.addEventListener('bye', () => again());
  source.addEventListener('error', () => again());
}

/** A stream; what it says is taken as soon as it says anything. */
function opened() {
  const opening = new EventSource(asks('/dashboard/stream'));
  for (const name of ['snapshot', 'frame']) {
    opening.addEventListener(name, (event) => {
      if (opening !== source) return;
      mode = 'live';
      heard();
      take(JSON.parse(event.data));
    });
  }
  opening.addEventListener('task', (event) => {
    if (opening === source) follows(JSON.parse(event.data), members(event.data).get('task'));
  });
  return opening;
}

function close() {
  clearTimeout(watchdog);
  clearTimeout(timer);
  clearTimeout(probing);
  probe?.close();
  source?.close();
  source = probe = null;
  turn += 1;
}

const wanted = () => !document.hidden && !caller.get().signIn;

/** As it was told last, from now on. */
function resume() {
  if (!wanted()) return close();
  if (mode !== 'polling') return listen();
  close();
  return poll(true);
}

/** `silent`: no refusal, nothing came: something between holds the stream back. */
function again(silent = false) {
  close();
  mode = '';
  const tries = live.get().tries + 1;
  if (!paused) set({ status: tries > 2 ? 'offline' : 'reconnecting', tries });
  else set({ tries });
  timer = setTimeout(
    async () => {
      const mine = turn;
      await meet(); // EventSource never says why: a plain request does
      if (mine !== turn || !wanted()) return;
      if (silent || tries % 2 === 0) poll(true);
      else listen();
    },
    RETRY_MS[Math.min(tries, RETRY_MS.length) - 1],
  );
}

/** Ask every two seconds, where no stream gets through: a proxy may hold it back, or not let it pass. */
async function poll(first = false) {
  const mine = turn;
  let said;
  try {
    said = await get(asks('/dashboard/frame'));
  } catch {
    if (mine === turn) again();
    return;
  }
  if (mine !== turn) return;
  mode = 'polling';
  take(said.value.frame);
  if (said.value.task) follows(said.value.task, members(members(said.text).get('task')).get('task'));
  timer = setTimeout(poll, POLL_MS);
  if (first) seek();
}

/** Beside the polling: is there a stream again? The first thing that one says ends the polling. */
function seek() {
  probe?.close();
  probe = opened();
  const mine = probe;
  mine.addEventListener('error', () => mine.close());
  mine.addEventListener(
    'snapshot',
    () => {
      if (mine === probe) listen();
    },
    { once: true },
  );
  probing = setTimeout(seek, SEEK_MS);
}

/** Begin, and go on as long as the page lives. */
export function start() {
  document.addEventListener('visibilitychange', resume);
  addEventListener('online', () => wanted() && reconnect());
  caller.watch(({ signIn }) => signIn && close());
  meet().then(() => wanted() && listen());
}

/** After signing in, or by the viewer's wish: now, not at the next try. */
export function reconnect() {
  set({ tries: 0, status: 'connecting' });
  listen();
}

/** Follow one task beside the frames; "" for none. */
export function follow(id) {
  if (id === followed.get().id) return;
  followed.set({ id, ...NOBODY });
  resume();
}

/** Hold the screen still, or let it go on with what has come meanwhile. */
export function pause(on = !paused) {
  if (on === paused) return;
  paused = on;
  if (on) set({ status: 'paused', held: 0 });
  else {
    set({ status: live.get().tries ? 'reconnecting' : mode, held: 0 });
    if (held) take(held);
    held = null;
  }
}

/** How old what is shown is, in ms. */
export const age = () => (live.get().at ? performance.now() - live.get().at : null);
export { now };
