// Times. All of them are the store's; only the zone in which they are shown is the viewer's choice.

import { html, kept, store, useTick } from './ui.js';
import { span } from './numbers.js';

export const ZONES = ['local', 'utc', 'ago'];
export const ZONE_NAMES = { local: 'Local time', utc: 'UTC', ago: 'Ages' };
export const zone = kept('zone', 'local', ZONES);

/** How far the store's clock is ahead of this browser's, in ms; known from the first frame on. */
const ahead = store(0);

/** Set the clock by what the store said it was at the moment of arrival. */
export function setClock(storeMs) {
  ahead.set(storeMs - Date.now());
}

/** Now, by the store's clock, in ms. */
export const now = () => Date.now() + ahead.get();

/** Milliseconds of an RFC 3339 text or of a number that is milliseconds already; null for nothing. */
export function ms(time) {
  if (time === null || time === undefined || time === '') return null;
  return typeof time === 'number' ? time : Date.parse(time);
}

const made = new Map();
function formatter(options, where) {
  const key = JSON.stringify([options, where]);
  if (!made.has(key))
    made.set(
      key,
      new Intl.DateTimeFormat('en-GB', { ...options, hourCycle: 'h23', timeZone: where === 'utc' ? 'UTC' : undefined }),
    );
  return made.get(key);
}
const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit' };
const DAY = { year: 'numeric', month: '2-digit', day: '2-digit' };

function day(at, where) {
  const parts = Object.fromEntries(
    formatter(DAY, where)
      .formatToParts(at)
      .map((p) => [p.type, p.value]),
  );
  return `${parts.year}-${parts.month}-${parts.day}`;
}

/** `14:02:11`, with the day before it when it is not today's; `full`: with milliseconds. */
export function clock(time, { full = false, where = zone.get() } = {}) {
  const at = ms(time);
  if (at === null) return '–';
  const text = formatter(full ? { ...CLOCK, fractionalSecondDigits: 3 } : CLOCK, where).format(at);
  const on = day(at, where);
  return on === day(now(), where) ? text : `${on} ${text}`;
}

/** `3.2 s ago`, `in 4 m 10 s`. */
export function ago(time) {
  const at = ms(time);
  if (at === null) return '–';
  const age = now() - at;
  return age < 0 ? `in ${span(-age)}` : `${span(age)} ago`;
}

/** The name of the viewer's zone, or UTC. */
export function zoneName(where = zone.get()) {
  return where === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone || 'local time';
}

function Ago({ at }) {
  useTick(1000);
  return ago(at);
}

/** A time as the viewer wants to see it; its title is RFC 3339 in UTC. */
export function Time({ at, full = false }) {
  const where = zone.use();
  const value = ms(at);
  if (value === null) return html`<span class="soft">–</span>`;
  const iso = new Date(value).toISOString();
  return html`<time datetime=${iso} title=${iso}>${where === 'ago' ? html`<${Ago}
    at=${value} />` : clock(value, { full, where })}</time>`;
}

const RFC3339 = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/;

/** A sentence of the server with its times as the viewer wants to see them. */
export function Sentence({ text }) {
  const found = RFC3339.exec(text);
  if (!found) return text;
  return html`${text.slice(0, found.index)}<${Time} at=${found[0]} /><${Sentence}
    text=${text.slice(found.index + found[0].length)} />`;
}
