// A batch: how far it is, a square a task, and what failed first.

import { ask, useAsked, useMay } from '../shell/api.js';
import { confirm } from '../shell/dialog.js';
import { count, figure, span } from '../shell/numbers.js';
import { Bar, Empty, Facts, State, Table, TaskLink, Trouble } from '../shell/parts.js';
import { go, href } from '../shell/router.js';
import { live } from '../shell/stream.js';
import { Time } from '../shell/time.js';
import { html, useModule } from '../shell/ui.js';
import { plural } from '../shell/words.js';
import { columnOf, useBefore, useTasks } from './batch_before.js';
import { ended } from './batches.js';
import { what } from './came.js';

const FIRST = ['failed', 'cancelled', 'running', 'queued', 'scheduled', 'succeeded'];
const COLUMNS = [
  { name: 'own id', of: (t) => t.custom_id ?? '–', className: 'tight' },
  { name: 'task', of: (t) => html`<${TaskLink} id=${t.task_id} />`, className: 'tight' },
  { name: 'kind', of: (t) => t.kind },
  { name: 'label', of: (t) => t.label, className: 'label' },
  { name: 'state', of: (t) => html`<${State} state=${t.state} />` },
  { name: 'waited', of: (t) => span(t.waited_ms), num: true },
  { name: 'ran', of: (t) => span(t.ran_ms), num: true },
  {
    name: 'what came of it',
    of: what,
    className: 'wide',
  },
];

export default function Batch({ params }) {
  const { id } = params;
  const { frame } = live.use();
  const may = useMay('submitter');
  const again = JSON.stringify(frame?.states ?? null);
  const {
    value: batch,
    error,
    reload,
  } = useAsked(id && `/batches/${encodeURIComponent(id)}`, { again, pauseMs: 2000 });
  const { tasks, wrong } = useTasks(id, batch && JSON.stringify(batch.states));
  const { before, wrong: lost, of } = useBefore(batch);
  if (error && !batch)
    return html`<h1>Batch</h1>${error.status === 404 ? html`<${Empty}>No batch with this id was ever accepted here. <a
      href=${href('batches')}>All batches</a><//>` : html`<${Trouble} error=${error} retry=${reload} />`}`;
  if (!batch) return html`<h1>Batch</h1>`;
  const { n, fraction } = ended(batch);
  const open = batch.accepted - n;
  const cancel = () =>
    confirm({
      title: 'Cancel the batch?',
      says: `${count(open)} ${plural(open, 'task')} that have not ended are given up. This cannot be taken back.`,
      verb: `Cancel ${count(open)}`,
      number: open,
      reason: 'Why? (if you like)',
      optional: true,
      act: async (reason) => {
        await ask('POST', `/batches/${id}/cancel`, { reason });
        reload();
      },
    });
  return html`<div class="head"><h1>${batch.label || 'Batch'}</h1><span class="far"><${Bar} fraction=${fraction}
    done=${batch.finished} label="Ended" /></span>
      <span class="soft num">${count(n)} of ${count(batch.accepted)} ended</span>
      <span class="right">${may && open > 0 && html`<button class="danger" data-key="c"
        onClick=${cancel}>Cancel …</button>`}
        <a class="button" href=${`/batches/${id}/results?format=csv`} download="${id}.csv">CSV</a><a class="button"
          href=${`/batches/${id}/results?format=ndjson`} download="${id}.ndjson">NDJSON</a></span></div>
    <p class="soft ids"><code class="id whole">${id}</code></p>
    <section class="card"><${Facts} facts=${[
      ['created', html`<${Time} at=${batch.created_at} />`],
      ...Object.entries(batch.states)
        .filter(([, many]) => many)
        .map(([state, many]) => [html`<${State} state=${state} />`, count(many)]),
      ['forgotten', batch.forgotten ? `${count(batch.forgotten)}, their time was over` : null],
      ['rejected lines', batch.rejected ? count(batch.rejected) : null],
      [
        'compute time',
        tasks.length ? `${figure(tasks.reduce((sum, t) => sum + (t.ran_ms || 0), 0) / 1000)} s in all` : null,
      ],
      ['slowest', slowest(tasks)],
      ['batch before', before && html`<a href=${href('batch', { id: before.batch_id })}><${Time} at=${before.created_at} /></a>`],
    ]} /></section>
    <${Trouble} error=${wrong ?? lost} />
    ${
      tasks.length > 0 &&
      html`<${Drawn} tasks=${tasks} />
    <section class="card"><${Table} caption="Tasks of the batch, failed first"
      columns=${[...(tasks.some((t) => t.custom_id) ? COLUMNS : COLUMNS.slice(1)), ...(of.size ? [columnOf(of)] : [])]} rows=${sorted(tasks).slice(0, 200)}
        keyOf=${(t) => t.task_id} hrefOf=${(t) => href('task', { id: t.task_id })} />
      ${tasks.length > 200 && html`<p class="soft under">The first 200, failed first. <a
        href=${href('tasks', { batch: id })}>All of them</a></p>`}</section>`
    }`;
}

function slowest(tasks) {
  const last = tasks.reduce((most, t) => ((t.ran_ms || 0) > (most?.ran_ms || 0) ? t : most), null);
  return last && html`<${TaskLink} id=${last.task_id} /> ${span(last.ran_ms)}`;
}

const sorted = (tasks) =>
  [...tasks].sort((a, b) => FIRST.indexOf(a.state) - FIRST.indexOf(b.state) || (a.task_id < b.task_id ? -1 : 1));

function Drawn({ tasks }) {
  const Squares = useModule(() => import('../pictures/squares.js'), 'Squares');
  return (
    Squares &&
    html`<section class="card" aria-label="Tasks as squares"><${Squares} tasks=${tasks}
      onPick=${(task) => go('task', { id: task })} /></section>`
  );
}
