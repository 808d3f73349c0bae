// Queues: the three priorities, and holding one still.

import { html } from '../shell/ui.js';
import { ask, useMay } from '../shell/api.js';
import { confirm } from '../shell/dialog.js';
import { count, figure, several, span } from '../shell/numbers.js';
import { Figure } from '../shell/parts.js';
import { href } from '../shell/router.js';
import { live } from '../shell/stream.js';
import { Time } from '../shell/time.js';
import { byWhom } from '../shell/words.js';

const WHAT =
  'A job is what one process gets: a part of a task, or the whole of a small one. Of one owner at most one share of ' +
  'jobs is on these streams; the tasks behind them are counted as queued.';

export default function Queues() {
  const { frame } = live.use();
  const may = useMay('operator');
  if (!frame) return html`<h1>Queues</h1>`;
  const running = frame.queues.filter((q) => !q.paused);
  const paused = frame.queues.filter((q) => q.paused);
  return html`<div class="head"><h1>Queues</h1><span
    class="soft">high is served first; of eight takes one reads low first and one medium first</span>
      ${may && html`<span class="right">
        ${running.length > 1 && html`<button onClick=${() => pause(running)}>Pause all …</button>`}
        ${paused.length > 1 && html`<button onClick=${() => resumeAll(paused)}>Resume all …</button>`}
      </span>`}</div>
    <div class="cards">
      <${Figure} label="Tasks queued" value=${count(frame.states.queued)} under="accepted, not started" />
      <${Figure} label="Tasks scheduled" value=${count(frame.states.scheduled)} under="start at their time" />
      <${Figure} label="Finished" value=${figure(frame.rates.finished_per_s)} unit="tasks/s"
        under="mean of the last 10 s" />
      <${Figure} label="Empty in" value=${frame.drain_s ? `≈\u202f${span(frame.drain_s * 1000)}` : '–'}
        under=${drained(frame.drain_s)} />
    </div>
    <section class="card"><div class="scroll" tabindex="0" role="region" aria-label="Priorities"><table class="rows">
      <caption class="hidden">Priorities</caption>
      <thead><tr><th scope="col">priority</th><th scope="col">state</th><th scope="col" class="num">jobs waiting</th><th
        scope="col" class="num">jobs held</th><th scope="col" class="num">oldest waits</th><th scope="col"><span
          class="hidden">actions</span></th></tr></thead>
      <tbody>${frame.queues.map((queue) => html`<${Row} key=${queue.priority} queue=${queue} may=${may} />`)}</tbody>
    </table></div>
    <p class="soft under">${WHAT}</p></section>`;
}

function drained(s) {
  if (s === 0) return 'no task is queued';
  return s ? 'at the pace of the last 60 s' : 'too few have ended to say';
}

function Row({ queue, may }) {
  const { priority, paused } = queue;
  const by = paused && byWhom(paused.by);
  return html`<tr>
    <td><a href=${href('tasks', { priority })}>${priority}</a></td>
    <td class="wide">${
      paused
        ? html`<span class="state retrying"><span
          aria-hidden="true">‖</span> paused</span>${by && ` by ${by}`} since <${Time}
            at=${paused.at} />: “${paused.reason}”`
        : html`<span class="state"><span aria-hidden="true">▸</span> open</span>`
    }</td>
    <td class="num" data-name="waiting">${count(queue.waiting)}</td><td class="num" data-name="held">
      ${count(queue.held)}</td><td class="num" data-name="oldest">${span(queue.oldest_waits_ms)}</td>
    <td class="num">${
      may &&
      (paused
        ? html`<button
          onClick=${() => ask('POST', `/queues/${priority}/resume`).catch((error) => failed(priority, error))}>Resume</button>`
        : html`<button onClick=${() => pause([queue])}>Pause …</button>`)
    }</td>
  </tr>`;
}

function resumeAll(queues) {
  const waiting = queues.reduce((sum, q) => sum + q.waiting, 0);
  const reasons = new Set(queues.map(({ paused: { by, reason } }) => `by ${by}: “${reason}”`));
  confirm({
    title: `Resume ${queues.map((q) => q.priority).join(', ')}`,
    says: `Paused ${[...reasons].join('; ')}. ${several(waiting, 'job')} waiting will be computed.`,
    verb: 'Resume',
    act: async () => {
      for (const { priority } of queues) await ask('POST', `/queues/${priority}/resume`);
    },
  });
}

function failed(priority, error) {
  confirm({
    title: `${priority} was not resumed`,
    says: error.message,
    verb: 'Try again',
    act: () => ask('POST', `/queues/${priority}/resume`).then(() => ''),
  });
}

function pause(queues) {
  const names = queues.map((q) => q.priority);
  const waiting = queues.reduce((sum, q) => sum + q.waiting, 0);
  confirm({
    title: `Pause ${names.join(', ')}`,
    says: `New tasks are still accepted. Running jobs finish. ${several(waiting, 'job')} will wait until someone resumes.`,
    verb: 'Pause',
    reason: 'Why? Everybody who wonders will read it.',
    act: async (reason) => {
      for (const name of names) await ask('POST', `/queues/${name}/pause`, { reason });
    },
  });
}
