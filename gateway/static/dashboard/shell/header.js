// What stands over every screen: where one can go, how fresh the figures are, how the system is.

import { html, useEffect, useRef, useTick } from './ui.js';
import { caller } from './api.js';
import { KEYS, showKeys } from './keys.js';
import { count, percent, span } from './numbers.js';
import { go, href, place } from './router.js';
import { age, live, pause } from './stream.js';
import { nextTheme, theme } from './theme.js';
import { clock, now, zone, ZONES, ZONE_NAMES } from './time.js';

export const SCREENS = [
  ['now', 'Now'],
  ['tasks', 'Tasks'],
  ['workers', 'Workers'],
  ['queues', 'Queues'],
  ['failures', 'Failures'],
  ['batches', 'Batches'],
  ['try', 'Try'],
  ['system', 'System'],
];
const PART_OF = { task: 'tasks', compare: 'tasks', batch: 'batches', 'dead-letters': 'failures' };

export function Header() {
  const { screen } = place.use();
  const at = PART_OF[screen] || screen;
  const { role, name } = caller.use();
  const where = zone.use();
  const look = theme.use();
  const failed = live.use().frame?.failed_recently ?? 0;
  const next = () => zone.set(ZONES[(ZONES.indexOf(where) + 1) % ZONES.length]);
  return html`<header>
    <a class="skip" href="#main" onClick=${(e) => {
      e.preventDefault();
      document.getElementById('main').focus();
    }}>To the content</a>
    <div class="top">
      <a class="brand" href=${href('now')}><img src="icon.svg" alt="" width="22" height="22" /> Headrace</a>
      <nav aria-label="Screens">${SCREENS.map(
        ([id, title]) => html`
        <a href=${href(id)} aria-current=${id === at ? 'page' : undefined}>
          ${title}${id === 'failures' && failed > 0 && html` <b class="bad" title="in the last 5 minutes">
            ${count(failed)}</b>`}</a>`,
      )}</nav>
      <${Search} />
      <div class="tools">
        <button class="small" onClick=${next} title="Show times in local time, in UTC or as ages">${ZONE_NAMES[where]}
          </button>
        <button class="small" onClick=${nextTheme} title="Theme: as the system, light, dark (key t)">
          ${{ system: 'Auto', light: 'Light', dark: 'Dark' }[look]}</button>
        <button class="small" onClick=${showKeys} title="${KEYS.length} keys" aria-label="Keys">?</button>
        ${role === 'viewer' && html`<span class="tag" title=${name}>read-only</span>`}
      </div>
    </div>
    <${Status} />
  </header>`;
}

function Search() {
  const box = useRef(null);
  const { params } = place.use();
  useEffect(() => {
    if (document.activeElement !== box.current) box.current.value = params.q || '';
  }, [params.q]);
  const search = (event) => {
    event.preventDefault();
    const words = box.current.value.trim();
    if (/^[0-9A-HJKMNP-TV-Z]{26}$/i.test(words)) go('task', { id: words.toUpperCase() });
    else go('tasks', { q: words });
    box.current.blur();
  };
  return html`<form class="search" role="search" onSubmit=${search}>
    <input id="search" ref=${box} type="search" placeholder="Task id, kind:… label:… ( / )" aria-label="Find tasks"
      autocomplete="off" spellcheck="false" />
  </form>`;
}

const PILL = {
  connecting: ['◌', 'connecting …'],
  live: ['●', 'live'],
  polling: ['◑', 'asking every 2 s'],
  reconnecting: ['◐', 'reconnecting'],
  offline: ['○', 'offline'],
  away: ['○', 'store away'],
  paused: ['‖', 'paused'],
};

function Pill() {
  useTick(1000);
  const { status, tries, frame, held } = live.use();
  const [sign, word] = PILL[status];
  const old = age();
  const at = frame && clock(now() - (old || 0));
  const more =
    {
      live: () => (old > 2500 ? ` ${span(old)} ago` : ''),
      reconnecting: () => ` (${tries})`,
      offline: () => (at ? ` — showing ${at}` : ''),
      away: () => (frame?.store?.away_since ? ` since ${clock(frame.store.away_since)}` : ''),
      paused: () => (held ? ` — ${count(held)} s behind` : ''),
    }[status]?.() ?? '';
  const why = status === 'polling' ? 'The stream of events does not get through, a proxy may hold it back. ' : '';
  return html`<button class="pill ${status}" onClick=${() => pause()}
    title="${why}Hold the screen still, or let it go on (key p)" aria-live="off">
    <span aria-hidden="true">${sign}</span> ${word}${more}</button>`;
}

function Status() {
  const { frame } = live.use();
  const waiting = frame?.queues.reduce((sum, q) => sum + q.waiting, 0);
  const oldest = frame && Math.max(-1, ...frame.queues.map((q) => q.oldest_waits_ms ?? -1));
  return html`<div class="status" role="status" aria-live="off">
    <${Pill} />
    ${
      frame &&
      html`
      <span><b class="num">${count(frame.busy)}/${count(frame.processes)}</b> processes busy</span>
      <span><b class="num">${count(frame.states.running)}</b> running</span>
      <span><b class="num">${count(frame.states.queued)}</b> queued</span>
      <span><b class="num">${count(waiting)}</b> jobs waiting</span>
      <span>oldest <b class="num">${oldest < 0 ? '–' : span(oldest)}</b></span>
      <span>errors <b class="num">${percent(frame.error_rate)}</b></span>`
    }
  </div>`;
}
