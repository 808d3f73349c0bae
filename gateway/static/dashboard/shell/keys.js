// The keyboard: one letter a thing, `g` and a letter to go somewhere. `?` shows this list.

import { html, store, useEffect, useRef } from './ui.js';
import { go } from './router.js';
import { pause } from './stream.js';
import { nextTheme } from './theme.js';

export const KEYS = [
  ['/', 'search'],
  ['g n', 'Now'],
  ['g t', 'Tasks'],
  ['g w', 'Workers'],
  ['g q', 'Queues'],
  ['g f', 'Failures'],
  ['g d', 'Dead letters'],
  ['g b', 'Batches'],
  ['g c', 'Try a calculation'],
  ['g s', 'System'],
  ['j / k', 'next, previous row'],
  ['Enter', 'open the row'],
  ['x', 'select the row'],
  ['r', 'retry'],
  ['c', 'cancel'],
  ['p', 'hold the screen still, let it go on'],
  ['t', 'theme'],
  ['?', 'this list'],
];
const PLACES = {
  n: 'now',
  t: 'tasks',
  w: 'workers',
  q: 'queues',
  f: 'failures',
  d: 'dead-letters',
  b: 'batches',
  c: 'try',
  s: 'system',
};
const help = store(false);
let waitsForPlace = 0;

export const showKeys = () => help.set(true);

function rows() {
  return [...document.querySelectorAll('main tr[data-href]')];
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.classList.contains('at'));
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))];
  all.forEach((row) => row.classList.toggle('at', row === next));
  next.scrollIntoView({ block: 'nearest' });
  (next.querySelector('a') || next).focus({ preventScroll: true });
}

const current = () => document.querySelector('main tr.at') || document.activeElement?.closest?.('main tr[data-href]');
const press = (selector) => {
  const button = current()?.querySelector(selector) || document.querySelector(`main ${selector}`);
  if (button && !button.disabled) button.click();
};

function onKey(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (
    document.querySelector('dialog[open]') ||
    target.matches?.('input:not([type=checkbox]), textarea, select, [contenteditable]')
  )
    return;
  if (waitsForPlace && Date.now() - waitsForPlace < 1500 && PLACES[key]) {
    waitsForPlace = 0;
    event.preventDefault();
    go(PLACES[key]);
    return;
  }
  waitsForPlace = key === 'g' ? Date.now() : 0;
  const does = {
    '/': () => document.getElementById('search')?.focus(),
    '?': showKeys,
    j: () => move(1),
    k: () => move(-1),
    x: () => current()?.querySelector('input[type=checkbox]')?.click(),
    r: () => press('[data-key=r]'),
    c: () => press('[data-key=c]'),
    p: () => pause(),
    t: nextTheme,
  }[key];
  if (!does) return;
  event.preventDefault();
  does();
}

export function startKeys() {
  addEventListener('keydown', onKey);
  addEventListener('click', (event) => {
    const row = event.target.closest?.('tr[data-href]');
    if (!row || event.target.closest('a, button, input, label, select, summary') || String(getSelection())) return;
    row.querySelector('a')?.click();
  });
}

export function KeysHelp() {
  const shown = help.use();
  return shown && html`<${List} />`;
}

function List() {
  const box = useRef(null);
  useEffect(() => box.current.showModal(), []);
  const close = () => help.set(false);
  return html`<dialog ref=${box} aria-labelledby="keys" onClose=${close} onCancel=${close}>
    <form method="dialog"><h2 id="keys">Keys</h2>
      <dl class="keys">${KEYS.map(([key, says]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${says}</dd></div>`)}</dl>
      <p class="buttons"><button type="button" class="primary" onClick=${close}>Close</button></p>
    </form>
  </dialog>`;
}
