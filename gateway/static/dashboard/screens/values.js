// What a task was given and what it gave: every number as it was sent, nothing large put into the page.

import { html, useState } from '../shell/ui.js';
import { members, pretty, size } from '../shell/numbers.js';
import { Choice, Copy, Empty } from '../shell/parts.js';
import { download } from './export.js';

const INLINE = 65_536; // characters of JSON that the page shows; what is longer is a file
const PLAIN = /^(-?\d|"|true|false|null)/;
const LONG = 160;

const bytes = (text) => new Blob([text]).size;

/** The result: its named outputs as a list, the whole as text, or a file. */
export function Result({ task, text, bytes: told }) {
  const [view, look] = useState('outputs');
  const has = text && text !== 'null';
  const large = has && text.length > INLINE;
  const address = `/tasks/${task.task_id}/result`;
  return html`<section class="card result" aria-labelledby="result">
    <div class="head"><h2 id="result">Result</h2>
      ${
        has &&
        html`<${Choice} label="Show the result as" options=${['outputs', 'JSON']} value=${view} onPick=${look} />
        <span class="right"><span class="soft num">${size(bytes(text))}</span>${!large && html`<${Copy}
          text=${text} />`}<a class="button small" href=${address} download="${task.task_id}.json">Download</a></span>`
      }</div>
    ${!has && html`<${NoResult} task=${task} bytes=${told} />`}
    ${has && large && html`<p>
      ${size(bytes(text))} are too much for a page. Plain outputs are below, the rest is in the file.</p>`}
    ${has && view === 'outputs' && html`<${Outputs} text=${text} />`}
    ${has && view === 'JSON' && (large ? html`<pre>${`${text.slice(0, 2000)} …`}</pre>` : html`<pre tabindex="0">
      ${pretty(text)}</pre>`)}
  </section>`;
}

function NoResult({ task, bytes: told }) {
  const says = {
    failed: 'It failed before it had one.',
    cancelled: 'It was cancelled before it had one.',
    succeeded: `It has ${size(told)}, too much for a page.`,
  }[task.state];
  const { estimate, standard_error: error } = task.progress;
  return html`<${Empty}>${says || 'Not yet.'}${!says && estimate !== null && html` So far <b class="num">
    ${String(estimate)}</b>${error !== null && html` ± ${String(error)}`}.`}
    ${task.state === 'succeeded' && html` <a class="button small" href="/tasks/${task.task_id}/result"
      download="${task.task_id}.json">Download</a>`}<//>`;
}

/** The outputs that are one figure or word, under their names; of the others what they are. */
function Outputs({ text }) {
  const all = [...members(text)];
  if (!all.length) return html`<pre tabindex="0">${pretty(text).slice(0, INLINE)}</pre>`;
  const error = members(all.find(([name]) => name === 'standard_error')?.[1] || '');
  const isPlain = (value) => PLAIN.test(value) && value.length <= LONG;
  const plain = all.filter(([, value]) => isPlain(value));
  const deep = all.filter(([name, value]) => !isPlain(value) && name !== 'standard_error');
  const shown = (value) => (value[0] === '"' ? JSON.parse(value) : value);
  return html`<table class="outputs"><caption class="hidden">Outputs</caption>
      <tbody>${plain.map(([name, value]) => html`<tr><th scope="row">${name}</th><td class="num">
        ${shown(value)}${error.has(name) && html` <span class="soft">± ${error.get(name)}</span>`}</td></tr>`)}</tbody>
          </table>
    ${deep.map(
      ([
        name,
        value,
      ]) => html`<details open=${value.length < LONG}><summary>${name} <span class="soft num">
        ${value.length < LONG ? '' : size(bytes(value))}</span></summary>
      ${value.length > INLINE ? html`<p class="soft">Too much for a page; it is in the file.</p>` : html`<pre
        tabindex="0">${pretty(value)}</pre>`}</details>`,
    )}
    ${error.size > 0 && html`<p class="soft under">± is one standard error.</p>`}`;
}

/** The data, and three ways to compute the same again. */
export function Input({ task, text }) {
  const [as, choose] = useState('data');
  if (!text) return html`<section class="card" aria-labelledby="input"><h2 id="input">Data</h2></section>`;
  const large = text.length > INLINE;
  const again = {
    data: () => pretty(text),
    curl: () => curl(task, text),
    Python: () => python(task, text),
    command: () => command(task, text),
  };
  return html`<section class="card" aria-labelledby="input">
    <div class="head"><h2 id="input">Data</h2>
      ${!large && html`<${Choice} label="Show the data as" options=${Object.keys(again)} value=${as}
        onPick=${choose} />`}
      <span class="right"><span class="soft num">${size(bytes(text))}</span>
        ${large ? html`<button class="small"
          onClick=${() => download(`${task.task_id}-data.json`, text, 'application/json')}>Download</button>` : html`<${Copy} text=${again[as]} />`}</span></div>
    ${large ? html`<p class="soft">Too much for a page: the first lines.</p><pre>${`${text.slice(0, 2000)} …`}
      </pre>` : html`<pre tabindex="0">${again[as]()}</pre>`}
    <p class="soft under">Defaults and seed are filled in: the same data give the same result, to the last bit. sha256${' '}
      <code title=${task.sha256}>${task.sha256.slice(0, 16)}…</code></p>
  </section>`;
}

export const envelope = (task, text) => `{"kind": "${task.kind}", "data": ${text}}`;
const quoted = (text) => text.replaceAll("'", "'\\''");

export function curl(task, text) {
  const headers = '-H "Content-Type: application/json" -H "Prefer: wait=30"';
  return `curl -X POST ${location.origin}/tasks ${headers} -d '${quoted(envelope(task, text))}'`;
}

// A literal that no data can leave: JSON's own text syntax is Python's, too.
const literal = (text) => (/['\\]/.test(text) ? JSON.stringify(text) : `'${text}'`);

export function python(task, text) {
  return [
    'import json\n',
    'from headrace_client import Client\n',
    `data = json.loads(${literal(text)})`,
    `with Client("${location.origin}") as client:`,
    `    print(client.run("${task.kind}", data))`,
  ].join('\n');
}

export function gridCurl(path, body) {
  return `curl -X POST '${location.origin}${path}' -H "Content-Type: application/json" -d '${quoted(body)}'`;
}

export function gridPython(kind, text, grid) {
  return [
    'import json\n',
    'from headrace_client import Client\n',
    `data = json.loads(${literal(text)})`,
    `grid = json.loads(${literal(grid)})`,
    `with Client("${location.origin}") as client:`,
    `    items = client.gather(client.grid("${kind}", data, grid))`,
    '    print(items.summary(), *items.rows(), sep="\\n")',
  ].join('\n');
}

export function command(task, text) {
  return `HEADRACE_URL=${location.origin} headrace submit ${task.kind} --wait -f - <<'DATA'\n${text}\nDATA`;
}
