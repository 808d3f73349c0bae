// A grid: lists of values for some fields, each combination a task of one batch.

import { count } from '../shell/numbers.js';
import { html } from '../shell/ui.js';
import { jsonOf } from './try_fields.js';

const MOST_FIELDS = 4;
const MOST = 10_000; // tasks of a batch
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)$/;
const RANGE = /^\s*(\S+?)\s*\.\.\s*(\S+)\s+(?:step|by)\s+(\S+)\s*$/;

/**
 * What the rows [{name, text}] come to: `json` of the grid ("" for none), `n` tasks, `faults` by field, `first`: of each field
 * the first value, so that one task of them can be checked.
 */
export function gridOf(rows, fields) {
  const faults = {};
  const lists = [];
  for (const { name, text } of rows) {
    if (!name || !text.trim()) continue;
    const { values, fault } = listOf(fields.find((field) => field.name === name), text);
    if (fault) faults[name] = fault;
    else lists.push([name, values]);
  }
  const n = lists.length ? lists.reduce((product, [, values]) => product * values.length, 1) : 0;
  if (n > MOST) faults[lists[0][0]] = `makes ${count(n)} tasks; at most ${count(MOST)} go into a batch`;
  return {
    n,
    faults,
    json: lists.length ? `{${lists.map(([name, values]) => `${JSON.stringify(name)}: [${values.join(', ')}]`).join(', ')}}` : '',
    first: Object.fromEntries(lists.map(([name, [value]]) => [name, value])),
    names: lists.map(([name]) => name),
  };
}

/** Values as JSON texts: `90, 100, 110`, or `80..120 step 5`, digit for digit. */
function listOf(field, text) {
  const range = RANGE.exec(text);
  if (range) return ranged(...range.slice(1));
  const values = [];
  for (const piece of pieces(text)) {
    const { json, fault } = jsonOf(field, piece);
    if (fault) return { fault: `${piece} ${fault}` };
    if (json) values.push(json);
  }
  return values.length ? { values } : { fault: 'needs at least one value' };
}

function ranged(from, to, step) {
  const wrong = [from, to, step].find((word) => !NUMBER.test(word));
  if (wrong !== undefined) return { fault: `${wrong} is no plain number; a range is 80..120 step 5` };
  const decimals = Math.max(...[from, step].map((word) => (word.split('.')[1] ?? '').length));
  const n = Math.floor((Number(to) - Number(from)) / Number(step) + 1e-9) + 1;
  if (!(n >= 1 && Number(step) !== 0)) return { fault: 'has no value between its ends' };
  if (n > MOST) return { fault: `has ${count(n)} values` };
  return { values: Array.from({ length: n }, (_, i) => (Number(from) + i * Number(step)).toFixed(decimals)) };
}

/** What stands between the commas that are not within brackets or quotes. */
function pieces(text) {
  const found = [''];
  let depth = 0;
  let quoted = false;
  for (const sign of text) {
    if (sign === '"') quoted = !quoted;
    else if (!quoted && '[{'.includes(sign)) depth += 1;
    else if (!quoted && ']}'.includes(sign)) depth -= 1;
    if (sign === ',' && !depth && !quoted) found.push('');
    else found[found.length - 1] += sign;
  }
  return found.map((piece) => piece.trim()).filter(Boolean);
}

/** The rows of the form. */
export function GridRows({ fields, rows, grid, faults, onChange }) {
  const put = (i, change) => onChange(rows.map((row, k) => (k === i ? { ...row, ...change } : row)));
  const taken = rows.map(({ name }) => name);
  return html`<details class="try-grid" open=${rows.some(({ name }) => name)}><summary>Grid${grid.n > 0 ? html`: <b>${count(grid.n)} tasks</b>, one batch` : ', many tasks at once'}</summary>
    <p class="soft">Lists of values for some fields; each combination becomes a task. <code>90, 100, 110</code> or${' '}
      <code>80..120 step 5</code></p>
    ${rows.map(({ name, text }, i) => html`<div class="try-grid-row" key=${i}>
      <select aria-label="Field ${i + 1} of the grid" value=${name} onChange=${(event) => put(i, { name: event.target.value })}>
        <option value="" selected=${!name}>no field</option>
        ${fields.filter((field) => field.name === name || !taken.includes(field.name)).map((field) => html`<option
          value=${field.name} selected=${field.name === name}>${field.title}</option>`)}</select>
      <input aria-label="Values of field ${i + 1}" value=${text} disabled=${!name} autocomplete="off" spellcheck=${false}
        aria-invalid=${faults[name] ? 'true' : undefined} aria-describedby=${faults[name] ? `grid-fault-${i}` : undefined}
        onInput=${(event) => put(i, { text: event.target.value })} />
      ${name && faults[name] && html`<p class="fault" id="grid-fault-${i}"><span aria-hidden="true">✖</span> ${[faults[name]].flat().join('; ')}</p>`}</div>`)}
    ${rows.length < MOST_FIELDS && html`<button type="button" class="small" onClick=${() => onChange([...rows, { name: '', text: '' }])}>One field more</button>`}
  </details>`;
}
