// A task as one file that needs nothing else: what was asked, what came, its pictures, and how to verify and repeat it. It asks
// no host for anything and runs no script, so it can be kept, sent and printed.

import { get } from '../shell/api.js';
import { count, members, pretty, size, span } from '../shell/numbers.js';
import { shots } from '../pictures/shots.js';
import { download } from './export.js';
import { command, curl, python } from './values.js';

const INLINE = 65_536; // characters of a JSON text that are printed whole
const HASHED = 67_108_864; // bytes of a result that is read for its hash
const SHORT = 400; // characters of an output that is shown unfolded
const ROWS = 500;
const JOBS = 60;

/** Make the report of a task that has ended, with the pictures that are on the page, and give it to the viewer. */
export async function report(task) {
  const path = `/tasks/${task.task_id}`;
  const [{ text: data }, result, { value: story }, pictures] = await Promise.all([
    get(`${path}/data`),
    task.state === 'succeeded' ? get(`${path}/result`, { most: HASHED }) : null,
    get(`${path}/history`),
    shots(document.querySelector('.pictures')),
  ]);
  const hash = result && (await sha256(result.text));
  const [main, rest] = answer(task, result?.text);
  const body = [
    head(task),
    main,
    ...pictures.map(picture),
    rest,
    json('Data', data),
    provenance(task, hash, story),
    again(task, data),
  ];
  download(`${task.task_id}.html`, page(`${task.kind} ${task.label ?? ''} ${task.task_id}`, body.join('\n')), 'text/html');
}

const SIGNS = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const safe = (text) => String(text ?? '–').replace(/[&<>"']/g, (sign) => SIGNS[sign]);
const when = (at) => (at ? safe(at.replace('T', ' ').replace('Z', ' UTC')) : '–');

async function sha256(text) {
  if (!globalThis.crypto?.subtle) return null; // a page that came by plain HTTP from another machine has none
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function head(task) {
  const took = task.ran_ms === null ? '' : `, ran ${span(task.ran_ms)}`;
  return `<header><h1>${safe(task.kind)}</h1>${task.label ? `<p class="label"><bdi>${safe(task.label)}</bdi></p>` : ''}
<p>Task <code>${safe(task.task_id)}</code>, ${safe(task.state)} ${when(task.finished_at)}: waited ${safe(span(task.waited_ms))}${safe(took)}.</p></header>`;
}

/** What came of it: the plain outputs, which stand first, and the others, which follow the pictures. */
function answer(task, text) {
  if (task.error)
    return [section('Why it failed', `<p><b>${safe(task.error.code)}</b></p><p><bdi>${safe(task.error.message)}</bdi></p>`), ''];
  if (!text) return [section('Result', '<p>It has none.</p>'), ''];
  const all = [...members(text)];
  const errors = members(members(text).get('standard_error') ?? '');
  const isPlain = (value) => !/^[[{]/.test(value);
  const rows = all
    .filter(([, value]) => isPlain(value) && value !== 'null')
    .map(([name, value]) => [name, value[0] === '"' ? JSON.parse(value) : value, errors.get(name) ?? '']);
  const deep = all.filter(([name, value]) => !isPlain(value) && name !== 'standard_error');
  const rest = deep.map(([name, value]) =>
    value.length > INLINE
      ? `<p>${safe(name)}: ${safe(size(new Blob([value]).size))}, too long for a report.</p>`
      : `<details${value.length < SHORT ? ' open' : ''}><summary>${safe(name)}</summary><pre>${safe(pretty(value))}</pre></details>`,
  );
  const note = `As they were answered, digit for digit.${errors.size ? ' ± is one standard error.' : ''}`;
  const plain = all.length ? table(['output', 'value', errors.size ? '±' : ''], rows) : `<pre>${safe(pretty(text).slice(0, INLINE))}</pre>`;
  return [section('Result', `${plain}<p class="note">${note}</p>`), rest.length ? section('Other outputs', rest.join('\n')) : ''];
}

const SHAPES = { line: 'line', dash: 'dashed line', upright: 'dashed upright line', faint: 'thin line', hatch: 'hatched', box: 'full', interval: 'interval' };

function picture({ title, headline, note, legend, image, width, table: behind }) {
  const meant = (legend ?? []).map(({ shape, tone, text }) => `${text} (${tone}, ${SHAPES[shape] ?? shape})`).join('; ');
  const rows = behind.rows.slice(0, ROWS);
  const more = behind.rows.length > ROWS ? `<p class="note">The first ${ROWS} of ${count(behind.rows.length)} rows.</p>` : '';
  return section(
    title,
    `<p>${safe(headline)}</p><img src="${safe(image)}" width="${Number(width)}" alt="${safe(`${title}: ${headline}`)}">
${meant ? `<p class="note">${safe(meant)}</p>` : ''}${note ? `<p class="note">${safe(note)}</p>` : ''}<details><summary>The figures behind it</summary>${table(behind.columns, rows)}${more}</details>`,
  );
}

function json(title, text) {
  const long = text.length > INLINE;
  const note = long ? `<p class="note">The first of ${safe(size(new Blob([text]).size))}.</p>` : '';
  return section(title, `<pre>${safe(long ? `${text.slice(0, 4000)} …` : pretty(text))}</pre>${note}`);
}

function provenance(task, hash, { lines = [], jobs = [] }) {
  const facts = [
    ['kind, version', `${task.kind}, ${task.versions.kind}`],
    ['package', task.versions.package],
    ...Object.entries(task.versions).filter(([name]) => !['kind', 'package'].includes(name)),
    ['seed', task.seed],
    ['SHA-256 of the data', task.sha256],
    ['SHA-256 of the result', hash ?? (task.state === 'succeeded' ? 'not computed: this page came without TLS' : null)],
    ['submitted', when(task.submitted_at)],
    ['started', when(task.started_at)],
    ['ended', when(task.finished_at)],
    ['owner', task.owner],
    ['priority', task.priority],
    ['own id', task.custom_id],
    ['batch', task.batch_id],
    ['request', task.request_id],
    ['attempts', task.attempts],
    ['interruptions', task.interruptions],
    ['parts', task.progress.parts],
    ['repeats', task.rerun && `${task.rerun.of}: ${task.rerun.same_bits ? 'same bits' : 'other bits'}`],
    ...Object.entries(task.metadata),
    ['this file was made', when(new Date().toISOString())],
    ['at', location.origin],
  ].filter(([, value]) => value !== null && value !== undefined && value !== '');
  const done = jobs.slice(0, JOBS).map((job) => [job.job, `${job.consumer} ${job.child}`, when(new Date(job.from_ms).toISOString()), span(job.ran_ms), job.outcome]);
  return section(
    'Provenance',
    `${table(['', ''], facts.map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : value]))}
${lines.length ? `<h3>What happened</h3>${table(['at', ''], lines.map(({ at, text }) => [when(at), text]))}` : ''}
${done.length ? `<h3>Who computed it</h3>${table(['job', 'process', 'from', 'ran', 'outcome'], done)}` : ''}
${jobs.length > JOBS ? `<p class="note">The first ${JOBS} of ${count(jobs.length)} jobs.</p>` : ''}`,
  );
}

function again(task, data) {
  if (data.length > INLINE) return '';
  const ways = [['curl', curl], ['Python', python], ['command', command]];
  return section(
    'Compute it again',
    `<p>The same data give the same result, to the last bit, with the same version of the kind.</p>${ways
      .map(([name, of]) => `<details><summary>${name}</summary><pre>${safe(of(task, data))}</pre></details>`)
      .join('')}`,
  );
}

const section = (title, body) => `<section><h2>${safe(title)}</h2>${body}</section>`;

function table(columns, rows) {
  const cells = (row) => row.map((value) => `<td><bdi>${safe(value)}</bdi></td>`).join('');
  const heads = columns.some(Boolean) ? `<thead><tr>${columns.map((name) => `<th>${safe(name)}</th>`).join('')}</tr></thead>` : '';
  return `<table>${heads}<tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</tbody></table>`;
}

const STYLE = `body{font:14px/1.45 system-ui,sans-serif;color:#17212b;background:#fff;max-width:900px;margin:24px auto;padding:0 20px}
h1{font-size:22px;margin:0}h2{font-size:15px;margin:22px 0 6px;border-bottom:1px solid #d9e0e6}h3{font-size:13px;margin:12px 0 4px}
p{margin:4px 0}.label{font-size:16px}.note{color:#55626f;font-size:12.5px}code,pre{font:12px/1.4 ui-monospace,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f7f8;border:1px solid #d9e0e6;padding:8px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:2px 18px 2px 0;vertical-align:top;overflow-wrap:anywhere}td:first-child{white-space:nowrap}
th{color:#55626f;font-weight:500}img{max-width:100%;height:auto}details{margin:4px 0}section{break-inside:auto}
h2{break-after:avoid}img,tr{break-inside:avoid}@page{margin:16mm}@media print{body{margin:0;padding:0;max-width:none}}`;

const page = (title, body) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${safe(title)}</title><style>${STYLE}</style></head>
<body>
${body}
</body></html>
`;
