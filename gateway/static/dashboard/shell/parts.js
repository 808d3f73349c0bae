// The small pieces that screens are made of.

import { html, useEffect, useRef, useState } from './ui.js';
import { STATE, short } from './words.js';
import { href } from './router.js';
import { count } from './numbers.js';

/** A state: sign, word and colour, so that none of the three is needed alone. */
export function State({ state, title }) {
  const { sign = '•', says = '' } = STATE[state] || {};
  return html`<span class="state ${state}" title=${title || says}><span aria-hidden="true">${sign}</span> ${state}
    </span>`;
}

/** A link to a task, by the ends of its id. */
export function TaskLink({ id, whole = false }) {
  return html`<a class="id" href=${href('task', { id })} title=${id}>${whole ? id : short(id)}</a>`;
}

/** One figure of a headline: label, value, what stands under it. */
export function Figure({ label, value, unit = '', under = '', children, tone = '' }) {
  return html`<section class="card figure ${tone}" aria-label=${label}>
    <h2>${label}</h2>
    <p class="value"><b>${value}</b>${unit && html` <span>${unit}</span>`}</p>
    <p class="under">${under || '\u00a0'}</p>
    ${children}
  </section>`;
}

/** How far: a bar with its percent beside it. */
export function Bar({ fraction, label, done = false }) {
  const share = Math.max(0, Math.min(1, fraction || 0));
  const percent = done ? 100 : Math.min(99, Math.floor(share * 100));
  return html`<span class="bar"><progress max="1" value=${done ? 1 : share} aria-label=${label}></progress>
    <span class="num">${percent}\u202f%</span></span>`;
}

/** What the server refused, in its own words, with what can be done. */
export function Trouble({ error, retry }) {
  if (!error) return null;
  return html`<div class="trouble" role="alert">
    <p><b>${error.title || 'Refused'}.</b> ${error.message}</p>
    ${error.hint && html`<p class="soft"><${Words} text=${error.hint} /></p>`}
    ${error.fields.length > 0 && html`<ul>${error.fields.map((f) => html`<li><code>${f.field || f.path || ''}
      </code> ${f.detail || f.message || f.problem || ''}</li>`)}</ul>`}
    ${retry && html`<button onClick=${retry}>Try again</button>`}
  </div>`;
}

/** A sentence of the API: what stands between backticks is code. */
export function Words({ text }) {
  return text.split('`').map((piece, i) => (i % 2 ? html`<code>${piece}</code>` : piece));
}

/** Nothing is here, and why that may be. */
export function Empty({ children }) {
  return html`<div class="empty">${children}</div>`;
}

/** Copies a text; says that it did. */
export function Copy({ text, label = 'Copy' }) {
  const [done, set] = useState(false);
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === 'function' ? text() : text);
      set('Copied');
    } catch {
      set('Not allowed here');
    }
    timer.current = setTimeout(() => set(false), 1500);
  };
  return html`<button class="small" type="button" onClick=${copy} aria-live="polite">${done || label}</button>`;
}

/** One of some choices, as buttons that are pressed or not. `counts` puts a number on each. */
export function Choice({ label, options, value, onPick, counts = {}, names = {} }) {
  return html`<div class="choice" role="group" aria-label=${label}>${options.map(
    (option) => html`
    <button type="button" aria-pressed=${String([value].flat().includes(option))} onClick=${() => onPick(option)}>
      ${names[option] ?? option}${counts[option] !== undefined && html` <span class="num">${count(counts[option])}
        </span>`}
    </button>`,
  )}</div>`;
}

/** A list with pairs of name and value; pairs without a value are left out. */
export function Facts({ facts }) {
  return html`<dl class="facts">${facts
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(
      ([name, value]) => html`
    <div><dt>${name}</dt><dd>${value}</dd></div>`,
    )}</dl>`;
}

/** A table whose columns are `{ name, of(row), num, className }`. Rows that have `href` are opened by Enter and click. */
export function Table({ caption, columns, rows, keyOf, hrefOf, empty = null, className = '' }) {
  if (!rows.length) return empty;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}, table"><table
    class="rows ${className}">
    <caption class="hidden">${caption}</caption>
    <thead><tr>${columns.map((c) => html`<th scope="col" class="${c.num ? 'num' : ''} ${c.className || ''}">
      ${c.head ?? c.name}</th>`)}</tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr key=${keyOf(row)} data-href=${hrefOf?.(row)}>
      ${columns.map((c) => html`<td class="${c.num ? 'num' : ''} ${c.className || ''}" data-name=${c.name}>${c.of(row)}
        </td>`)}
    </tr>`,
    )}</tbody>
  </table></div>`;
}
