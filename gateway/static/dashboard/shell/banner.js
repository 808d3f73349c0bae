// At most one sentence over the screen, the worst of what is true: each says what is so and what can be done.

import { html, useEffect } from './ui.js';
import { several, span } from './numbers.js';
import { href, place } from './router.js';
import { live } from './stream.js';
import { clock, ms, now } from './time.js';
import { byWhom } from './words.js';

const SKEW_MS = 1000;
const ON = 'Nothing is lost: everything goes on by itself when it is back.';

const off = (ms) => `${span(Math.abs(ms))} ${ms > 0 ? 'ahead of' : 'behind'}`;

/** The worst thing that is true of a frame: `{ tone, text, to, link }`, or null. */
export function worst(frame) {
  if (!frame) return null;
  const { store, workers, queues, lost, versions, states } = frame;
  if (store.ok === false)
    return {
      tone: 'bad',
      text: `The store has not answered since ${clock(store.away_since)}. ${ON}`,
    };
  if (store.fullness > 0.85)
    return {
      tone: 'bad',
      text: `The store's memory is ${Math.round(store.fullness * 100)} % full. New tasks are refused when it is full.`,
      to: 'system',
      link: 'System',
    };
  const waiting = queues.reduce((sum, q) => sum + q.waiting, 0);
  const queued = states.queued || 0;
  if (!workers.length && waiting + queued > 0)
    return {
      tone: 'bad',
      text: `${queued ? several(queued, 'task') : several(waiting, 'job')} and no consumer that takes ${(queued || waiting) === 1 ? 'it' : 'them'}.`,
      to: 'workers',
      link: 'Workers',
    };
  if (lost.length) {
    const [{ name, last_beat_at: at }] = lost;
    return {
      tone: 'warn',
      text: `Consumer ${name} was lost: last heard of ${span(now() - ms(at))} ago. Its jobs go to others.`,
      to: 'workers',
      link: 'Workers',
    };
  }
  const skewed = workers.find((w) => Math.abs(w.skew_ms || 0) > SKEW_MS);
  if (skewed)
    return {
      tone: 'warn',
      text: `The clock of ${skewed.host} is ${off(skewed.skew_ms)} the store's. Durations stay right; its log times are shifted.`,
      to: 'workers',
      link: 'Workers',
    };
  const seen = new Set(Object.values(versions).flat().filter(Boolean));
  if (seen.size > 1)
    return {
      tone: 'warn',
      text: `Different versions run side by side: ${[...seen].sort().join(', ')}.`,
      to: 'system',
      link: 'System',
    };
  const stopped = queues.filter((q) => q.paused);
  if (stopped.length) {
    return {
      tone: 'calm',
      text: held(stopped, queues.length),
      to: 'queues',
      link: 'Queues',
    };
  }
  return null;
}

function held(stopped, all) {
  const [{ priority, paused }] = stopped;
  const by = byWhom(paused.by);
  const said = `paused${by ? ` by ${by}` : ''}: “${paused.reason}”.`;
  const alike = stopped.every((q) => q.paused.by === paused.by && q.paused.reason === paused.reason);
  if (stopped.length === 1) return `Priority ${priority} is ${said}`;
  const which = stopped.length === all ? 'All priorities' : `Priorities ${stopped.map((q) => q.priority).join(' and ')}`;
  return `${which} are ${alike ? said : `paused, ${priority} with “${paused.reason}”.`}`;
}

export function Banner() {
  const said = worst(live.use().frame);
  return html`<div aria-live="polite">${said && html`<p class="banner ${said.tone}">${said.text} ${said.to && html`<a
    href=${href(said.to)}>${said.link}</a>`}</p>`}</div>`;
}

/** The title and the icon of the tab say what matters to a tab that nobody looks at. */
export function useTab(title) {
  const { frame } = live.use();
  const { screen } = place.use();
  const failing = frame?.failed_recently ?? 0;
  const bad = failing > 0 || worst(frame)?.tone === 'bad';
  useEffect(() => {
    document.title = `${failing ? `(${failing} failed) ` : ''}${title} · Headrace`;
  }, [title, failing, screen]);
  useEffect(() => {
    const icon = document.getElementById('icon');
    const wanted = bad ? 'icon-failing.svg' : 'icon.svg';
    if (icon.getAttribute('href') !== wanted) icon.setAttribute('href', wanted);
  }, [bad]);
}
