// Compare: two tasks beside each other. What of their data differs, what came of each, and whether that is more than chance.

import { useAsked } from '../shell/api.js';
import { count, leaves, members, several, span } from '../shell/numbers.js';
import { Empty, State, TaskLink, Trouble } from '../shell/parts.js';
import { go, href } from '../shell/router.js';
import { Time } from '../shell/time.js';
import { html, useState } from '../shell/ui.js';
import { difference, NUMBER, signed } from './difference.js';

const MOST = 1_048_576; // bytes of an answer that a page reads
const ROWS = 300;
const ASIDE = /^(interval_95|diagnostics)\./;

export default function Compare({ params }) {
  const { a, b } = params;
  const [one, other] = [useSide(a), useSide(b)];
  const error = one.error || other.error;
  return html`<div class="head"><h1>Compare</h1>
      ${a && b && html`<span class="right"><a class="button" href=${href('compare', { a: b, b: a })}>Swap</a></span>`}</div>
    ${error && html`<${Trouble} error=${error} />`}
    ${!a && html`<${Which} label="First task" onPick=${(id) => go('compare', { a: id, b })} />`}
    ${a && !b && html`<p>With <${TaskLink} id=${a} />:</p><${Which} label="Second task" not=${a} kind=${one.task?.kind}
      onPick=${(id) => go('compare', { a, b: id })} />`}
    ${one.task && other.task && one.data && other.data && html`<${Both} one=${one} other=${other} />`}`;
}

/** A task with its result and its data, all of them as texts too. */
function useSide(id) {
  const path = id && `/tasks/${encodeURIComponent(id)}`;
  const { value: task, text, error } = useAsked(path, { most: MOST });
  const data = useAsked(path && `${path}/data`, { most: MOST });
  const fields = text ? members(text) : new Map();
  return { task, data: data.text, result: fields.get('result') ?? 'null', error: error || data.error };
}

/** Which task: by its id, or one of the newest of the same kind. */
function Which({ label, kind = '', not = '', onPick }) {
  const [typed, type] = useState('');
  const { value } = useAsked(`/tasks?limit=8${kind ? `&kind=${kind}` : ''}`);
  const id = typed.trim().toUpperCase();
  const right = /^[0-9A-HJKMNP-TV-Z]{26}$/.test(id);
  const pick = (event) => {
    event.preventDefault();
    if (right) onPick(id);
  };
  const some = (value?.tasks ?? []).filter((task) => task.task_id !== not);
  return html`<section class="card"><form class="filter" onSubmit=${pick}>
      <input type="search" aria-label=${label} placeholder="Task id" value=${typed} onInput=${(e) => type(e.target.value)}
        autocomplete="off" spellcheck="false" />
      <button disabled=${!right}>Compare</button></form>
    ${some.length > 0 && html`<p class="soft">or one of the newest${kind && ` of ${kind}`}:</p>
      <ul class="happened">${some.map((task) => html`<li><button class="small" onClick=${() => onPick(task.task_id)}>Choose</button>${' '}
        <${TaskLink} id=${task.task_id} /> ${task.kind} ${task.label && html`<span class="label">${task.label}</span>`}${' '}
        <${State} state=${task.state} /> <span class="soft"><${Time} at=${task.submitted_at} /></span></li>`)}</ul>`}
  </section>`;
}

function Both({ one, other }) {
  const inputs = differences(one.data, other.data);
  return html`<${Verdict} one=${one} other=${other} inputs=${inputs} />
    <section class="card" aria-label="The two"><${Rows} caption="The two tasks" heads=${['about', 'first', 'second']}
      rows=${about(one.task, other.task)} /></section>
    <section class="card" aria-labelledby="inputs"><div class="head"><h2 id="inputs">Data that differ</h2>
      <span class="soft">${several(inputs.rows.length, 'field')}, ${count(inputs.same)} the same</span></div>
      ${inputs.rows.length === 0 && html`<${Empty}>Nothing differs.<//>`}
      ${inputs.rows.length > 0 && html`<${Rows} caption="Data that differ" heads=${['field', ...heads(one, other), 'difference']}
        rows=${inputs.rows.map(([name, a, b]) => [name, shown(a), shown(b), difference(a, b)])} />`}
      ${inputs.more && html`<p class="soft under">Of the first 2 000 fields of each.</p>`}</section>
    <${Figures} one=${one} other=${other} />`;
}

const heads = (one, other) => [
  html`<${TaskLink} id=${one.task.task_id} />`,
  html`<${TaskLink} id=${other.task.task_id} />`,
];

/** In one sentence, what follows from what is the same. */
function Verdict({ one, other, inputs }) {
  const [a, b] = [one.task, other.task];
  const asked = a.kind === b.kind && a.sha256 === b.sha256;
  const version = JSON.stringify(a.versions?.kind) === JSON.stringify(b.versions?.kind);
  const done = a.state === 'succeeded' && b.state === 'succeeded';
  const bits = done && one.result === other.result;
  let says = a.kind === b.kind ? `${several(inputs.rows.length, 'field')} of the data ${inputs.rows.length === 1 ? 'differs' : 'differ'}.` : `Different kinds: ${a.kind} and ${b.kind}.`;
  let tone = 'calm';
  if (asked) {
    says = `Same kind, same data: sha256 ${a.sha256.slice(0, 16)}….`;
    if (bits) says += ' Same result, to the last bit, as it must be.';
    else if (done && version) [says, tone] = [`${says} But the results differ, though the kind's version is the same. That must not be.`, 'bad'];
    else if (done) says += ' The kind has another version, so the results may differ.';
  } else if (bits) says += ' The results are the same, to the last bit.';
  if (!done) says += ' Not both have a result.';
  return html`<p class="banner ${tone}" role="status">${bits ? html`<span aria-hidden="true">✔</span> ` : ''}${says}</p>`;
}

function about(a, b) {
  const row = (name, of) => [name, of(a), of(b)];
  return [
    row('task', (t) => html`<${TaskLink} id=${t.task_id} />`),
    row('kind', (t) => t.kind),
    row('label', (t) => t.label || '–'),
    row('state', (t) => html`<${State} state=${t.state} />`),
    row('submitted', (t) => html`<${Time} at=${t.submitted_at} full />`),
    row('waited', (t) => span(t.waited_ms)),
    row('ran', (t) => (t.ran_ms === null ? '–' : span(t.ran_ms))),
    row('seed', (t) => t.seed ?? '–'),
    row('kind version', (t) => t.versions?.kind),
    row('package', (t) => t.versions?.package),
    row('sha256 of the data', (t) => html`<code title=${t.sha256}>${t.sha256.slice(0, 16)}…</code>`),
  ];
}

/** Figures of the results; those with a standard error say how many of them they are apart. */
function Figures({ one, other }) {
  const [a, b] = [leaves(one.result), leaves(other.result)];
  const names = [...new Set([...a.found.keys(), ...b.found.keys()])].filter((name) => name && !name.startsWith('standard_error.'));
  const rows = names
    .filter((name) => [a, b].some(({ found }) => NUMBER.test(found.get(name) ?? '')))
    .map((name) => {
      const [x, y] = [a.found.get(name), b.found.get(name)];
      const [ex, ey] = [a, b].map(({ found }) => found.get(`standard_error.${name}`));
      return [name, withError(x, ex), withError(y, ey), difference(x, y), apart(x, y, ex, ey)];
    });
  if (!rows.length) return html`<section class="card"><h2>Figures</h2><${Empty}>Neither has figures yet.<//></section>`;
  const aside = rows.filter(([name]) => ASIDE.test(name));
  const main = rows.filter(([name]) => !ASIDE.test(name));
  const named = ['output', ...heads(one, other), 'difference', 'in standard errors'];
  return html`<section class="card" aria-labelledby="figures"><div class="head"><h2 id="figures">Figures</h2>
      <span class="soft">as they were answered; difference: second less first</span></div>
    <${Rows} caption="Figures" heads=${named} rows=${main} />
    ${main.length > ROWS && html`<p class="soft under">The first ${ROWS} of ${count(main.length)}.</p>`}
    ${main.some((row) => row[4] !== '–') && html`<p class="soft under">± is one standard error. In standard errors: the
      difference over √(a² + b²) of both; of two runs that differ by chance alone it is beyond ±2 one time in twenty. Runs
      with the same seed share their random numbers: theirs is nearer to zero.</p>`}
    ${aside.length > 0 && html`<details><summary>${several(aside.length, 'figure')} of intervals and diagnostics</summary>
      <${Rows} caption="Intervals and diagnostics" heads=${named.slice(0, 4)} rows=${aside.map((row) => row.slice(0, 4))} /></details>`}
    </section>`;
}

function withError(text, error) {
  return html`${shown(text)}${error && NUMBER.test(error) && html` <span class="soft aside">± ${error}</span>`}`;
}

function apart(x, y, ex, ey) {
  const error = Math.hypot(Number(ex ?? NaN), Number(ey ?? NaN));
  if (!(error > 0)) return '–';
  const times = (Number(y) - Number(x)) / error;
  return Number.isFinite(times) ? signed(times, 2) : '–';
}

/** What differs of two JSON texts, by path; how many fields are the same. */
function differences(a, b) {
  const [one, other] = [leaves(a), leaves(b)];
  const names = [...new Set([...one.found.keys(), ...other.found.keys()])];
  const rows = names.map((name) => [name, one.found.get(name), other.found.get(name)]).filter(([, x, y]) => x !== y);
  return { rows, same: names.length - rows.length, more: one.more || other.more };
}

const NAMES = ['first', 'second', 'difference', 'in standard errors'];
const shown = (text) => (text === undefined ? html`<span class="soft">not given</span>` : text[0] === '"' ? JSON.parse(text) : text);

function Rows({ caption, heads: titles, rows }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Table: ${caption}"><table class="rows compare">
    <caption class="hidden">${caption}</caption>
    <thead><tr>${titles.map((title, i) => html`<th scope="col" class=${i ? 'num' : ''}>${title}</th>`)}</tr></thead>
    <tbody>${rows.slice(0, ROWS).map(([name, ...cells]) => html`<tr><th scope="row">${name}</th>
      ${cells.map((cell, i) => html`<td class="num" data-name=${NAMES[i]}>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}
