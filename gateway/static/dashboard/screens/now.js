// Now: is it healthy, what is it doing?

import { html, useModule } from '../shell/ui.js';
import { amount, count, figure, percent, span, withError } from '../shell/numbers.js';
import { Bar, Empty, Figure, Table, TaskLink } from '../shell/parts.js';
import { href } from '../shell/router.js';
import { live } from '../shell/stream.js';
import { plural, STATES } from '../shell/words.js';
import { FirstRun } from './first-run.js';
import { Processes } from './processes.js';
import { useSeries } from './series.js';
import { useStarts } from './starts.js';

export default function Now() {
  const { frame } = live.use();
  const series = useSeries();
  const Spark = useModule(() => import('../pictures/spark.js'), 'Spark');
  const Bars = useModule(() => import('../pictures/bars.js'), 'Bars');
  const shape = frame || { states: {}, rates: {}, wait_ms: {}, run_ms: {}, queues: [], workers: [], running: [] };
  const total = STATES.reduce((sum, state) => sum + (frame?.states[state] || 0), 0);
  return html`<h1 class="hidden">Now</h1>
    ${frame && total === 0 && html`<${FirstRun} />`}
    <div class="cards ${frame ? '' : 'dim'}">
      <${Throughput} frame=${shape} series=${series} Spark=${Spark} />
      <${Waits} frame=${shape} series=${series} Spark=${Spark} />
      <${Errors} frame=${shape} series=${series} Spark=${Spark} />
      <${Use} frame=${shape} />
    </div>
    <${Processes} frame=${frame} compact />
    <div class="two">
      <div class="stack"><${Running} frame=${frame} /><${Waiting} frame=${frame} /></div>
      <${Outcomes} series=${series} Bars=${Bars} />
    </div>`;
}

function Throughput({ frame, series, Spark }) {
  const { finished_per_s: rate, paths_per_s: paths } = frame.rates;
  const kinds = Object.entries(frame.rates.by_kind || {}).sort((a, b) => b[1] - a[1]);
  const most = kinds.length ? `most: ${kinds[0][0]} ${figure(kinds[0][1])}/s` : 'mean of the last 10 s';
  const under = paths
    ? html`<span title="paths and scenarios that all processes simulated, mean of the last 10 s: ${count(paths)} a second; ${most}">
      <b class="num">${amount(paths)}</b> paths/s</span>`
    : most;
  return html`<${Figure} label="Finished" value=${figure(rate)} unit="tasks/s" under=${under}>
    ${Spark && series && html`<${Spark} values=${series.ended} label="Tasks that ended, each minute of the last 15" />`}
      <//>`;
}

function Waits({ frame, series, Spark }) {
  const { p50, p95 } = frame.wait_ms;
  const known = p95 !== null && p95 !== undefined;
  return html`<${Figure} label="Wait, p95" value=${known ? `≈\u202f${span(p95)}` : '–'}
    under=${known ? `p50 ≈ ${span(p50)} · run p95 ≈ ${span(frame.run_ms.p95)}` : 'nothing ended in 5 min'}>
    ${Spark && series && html`<${Spark} values=${series.waitP95} label="Wait p95 in ms, each minute of the last 15" />`}
      <//>`;
}

function Errors({ frame, series, Spark }) {
  const rate = frame.error_rate;
  const failed = frame.failed_recently;
  const under =
    rate === null || rate === undefined
      ? 'nothing succeeded or failed in 5 min'
      : html`${count(failed)} failed in 5 min${failed ? html` · <a href=${href('failures')}>why</a>` : ''}`;
  return html`<${Figure} label="Errors" value=${percent(rate)} under=${under} tone=${rate > 0 ? 'bad' : ''}>
    ${Spark && series && html`<${Spark} values=${series.failed}
      label="Tasks that failed, each minute of the last 15" />`}<//>`;
}

function Use({ frame }) {
  const drain = frame.drain_s ? ` · queue empty in ≈ ${span(frame.drain_s * 1000)}` : '';
  return html`<${Figure} label="Processes in use" value=${percent(frame.utilisation, 0)} unit="of the last 60 s"
    under=${`${frame.busy} of ${frame.processes} busy now${drain}`} />`;
}

const RUNNING = [
  { name: 'task', of: (t) => html`<${TaskLink} id=${t.task_id} />`, className: 'tight' },
  {
    name: 'kind',
    of: (t) => html`${t.kind}${t.label && html` <span class="soft">${t.label}</span>`}`,
    className: 'wide',
  },
  {
    name: 'progress',
    of: (t) => html`<${Bar} fraction=${t.progress.fraction} label="Progress of ${t.kind}" />`,
    className: 'grow',
  },
  { name: 'estimate', of: (t) => estimate(t.progress), num: true },
  {
    name: 'time to go',
    of: (t) => (t.held ? '‖ paused' : span(t.progress.eta_s ? t.progress.eta_s * 1000 : null)),
    num: true,
  },
];

export function estimate({ estimate: value, standard_error: error }) {
  if (value === null || value === undefined) return html`<span class="soft">–</span>`;
  const [shown, half] = withError(value, error);
  return html`<span class="num" title="${value} ± ${error}">${shown}${half && html` <span class="soft">± ${half}
    </span>`}</span>`;
}

function Running({ frame }) {
  const held = (t) => frame.queues.some((q) => q.priority === t.priority && q.paused);
  const rows = (frame?.running || []).map((t) => ({ ...t, held: held(t) }));
  const all = frame?.states.running ?? 0;
  return html`<section class="card" aria-labelledby="running">
    <div class="head"><h2 id="running">Running now</h2><span class="soft">
      ${rows.length < all ? `the oldest ${rows.length} of ${count(all)}` : ''}</span>
      <span class="right"><a href=${href('tasks', { state: 'running' })}>all running</a></span></div>
    <${Table} caption="Running tasks, oldest first" columns=${RUNNING} rows=${rows} keyOf=${(t) => t.task_id}
      hrefOf=${(t) => href('task', { id: t.task_id })}
      empty=${html`<${Empty}>Nothing runs.<//>`} />
  </section>`;
}

function Outcomes({ series, Bars }) {
  const starts = useStarts(1 / 4);
  return html`<section class="card" aria-label="Ended, per minute">
    ${Bars && series && html`<${Bars} series=${{ at: series.at, stacks: series.stacks }}
      marks=${starts} title="Tasks that ended, per minute" name="ended" />`}
  </section>`;
}

function Waiting({ frame }) {
  const columns = [
    { name: 'priority', of: (q) => html`${q.priority}${q.paused && html` <span class="tag">‖ paused</span>`}` },
    { name: 'waiting', of: (q) => count(q.waiting), num: true },
    { name: 'held', of: (q) => count(q.held), num: true },
    { name: 'oldest waits', of: (q) => span(q.oldest_waits_ms), num: true },
  ];
  return html`<section class="card" aria-labelledby="waiting"><div class="head"><h2 id="waiting">Jobs by priority</h2>
      <span class="right"><a href=${href('queues')}>queues</a></span></div>
    ${
      frame &&
      html`<${Table} caption="Jobs by priority" columns=${columns} rows=${frame.queues} keyOf=${(q) => q.priority} />
    <p class="under soft">
      ${count(frame.states.queued)} ${plural(frame.states.queued, 'task')} queued, ${count(frame.states.scheduled)} scheduled</p>`
    }
  </section>`;
}
