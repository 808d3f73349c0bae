// Task: what happened, what is the answer.

import { html, useEffect, useModule, useTick } from '../shell/ui.js';
import { useAsked } from '../shell/api.js';
import { count, members, span } from '../shell/numbers.js';
import { Bar, Empty, Facts, State, TaskLink, Trouble } from '../shell/parts.js';
import { href } from '../shell/router.js';
import { follow, followed, live } from '../shell/stream.js';
import { ms, now, Sentence, Time } from '../shell/time.js';
import { FINAL } from '../shell/words.js';
import { Happened } from './happened.js';
import { Acts } from './task_acts.js';
import { Input, Result } from './values.js';

const MOST = 1_048_576; // bytes of an answer that a page reads; pictures are made of it

export default function Task({ params }) {
  const { id } = params;
  const { task: told, text: toldText, gone, resultBytes, points } = followed.use();
  useEffect(() => {
    follow(id || '');
    return () => follow('');
  }, [id]);
  // The stream tells a result of at most 64 KiB. A longer one comes with a second look when the task has ended.
  const again = told && FINAL.includes(told.state) && told.result === null && resultBytes ? 'result' : null;
  const { value, text, error, stale, reload } = useAsked(id && `/tasks/${encodeURIComponent(id)}`, {
    again,
    most: MOST,
  });
  if (!id)
    return html`<h1>Task</h1><${Empty}>Which one? Search for it, or choose one of <a
      href=${href('tasks')}>all tasks</a>.<//>`;
  const fresh = told?.task_id === id ? told : null;
  if (error && !value && !fresh && error.code !== 'too_large')
    return html`<${Gone} id=${id} error=${error} reload=${reload} />`;
  const known = stale ? null : value;
  const same = known && fresh && known.state === fresh.state && known.result !== null;
  const task = fresh && !same ? fresh : known;
  if (!task) return html`<h1 class="id">${id}</h1>`;
  const result = members(task === fresh ? toldText : text).get('result');
  return html`<${Head} task=${task} reload=${reload} />
    ${gone && html`<p class="banner calm"
      role="status">The record of this task has just been removed. This is what it was.</p>`}
    <${Story} task=${task} />
    ${task.error && html`<${Failure} task=${task} />`}
    ${task.cancel_reason && html`<p class="banner calm why" role="status">Given up: “${task.cancel_reason}”</p>`}
    ${task.why_waiting && html`<p class="banner calm why" role="status"><${Sentence} text=${task.why_waiting} /></p>`}
    <${Rest} task=${task} points=${points} text=${result} resultBytes=${resultBytes} />`;
}

function Rest({ task, points, text, resultBytes }) {
  const { value, text: data } = useAsked(`/tasks/${task.task_id}/data`, { most: MOST });
  return html`<${Pictures} task=${task} data=${value} points=${points} />
    <div class="two">
      <div class="stack"><${Result} task=${task} text=${text} bytes=${resultBytes} /><${Happened} task=${task} /></div>
      <${Input} task=${task} text=${data} />
    </div>`;
}

function Gone({ id, error, reload }) {
  const says = {
    404: 'No task with this id was ever accepted here.',
    410: 'This task was here. The time for which its result was kept is over, and it has been removed.',
  }[error.status];
  return html`<h1 class="id">${id}</h1>
    ${says ? html`<${Empty}>${says} <a href=${href('tasks')}>All tasks</a><//>` : html`<${Trouble} error=${error}
      retry=${reload} />`}`;
}

function Head({ task, reload }) {
  const { frame } = live.use();
  const { progress, state, kind, label, task_id: id } = task;
  const runs = state === 'running';
  return html`<div class="head task-head">
      <h1>${kind}</h1>${label && html`<span class="label">${label}</span>`}<${State} state=${state} />
      ${
        runs &&
        html`<span class="far"><${Bar} fraction=${progress.fraction} label="Progress" /></span>
        <span class="soft num">${count(progress.done)} of ${count(progress.parts)} parts${toGo(task, frame)}</span>`
      }
      <${Acts} task=${task} reload=${reload} />
    </div>
    <p class="soft ids"><code class="id whole">${id}</code></p>
    <${Facts} facts=${[
      ['priority', task.priority],
      ['owner', task.owner],
      ['batch', task.batch_id && html`<a class="id" href=${href('batch', { id: task.batch_id })}>${task.batch_id}</a>`],
      ['own id', task.custom_id],
      ['seed', task.seed],
      ['attempts', task.attempts],
      ['interruptions', task.interruptions || null],
      ['kind version', task.versions?.kind],
      ['package', task.versions?.package],
      ['starts at', task.run_at && state === 'scheduled' ? html`<${Time} at=${task.run_at} />` : null],
      ['kept until', task.expires_at && html`<${Time} at=${task.expires_at} />`],
      [
        'repeats',
        task.rerun &&
          html`<${TaskLink}
            id=${task.rerun.of} /> ${task.rerun.same_bits === null ? '' : task.rerun.same_bits ? '✔ same bits' : '✖ other bits'}`,
      ],
      ...Object.entries(task.metadata).map(([name, fact]) => [name, String(fact)]),
    ]} />`;
}

/** The way of a task through its states, to scale, with the times beside. */
function Story({ task }) {
  const ended = FINAL.includes(task.state);
  useTick(ended ? 60_000 : 500);
  const begin = ms(task.submitted_at),
    start = ms(task.started_at),
    end = ms(task.finished_at) ?? now();
  const waited = start === null ? Math.max(0, end - begin) : task.waited_ms;
  const ran = start === null ? null : ended ? task.ran_ms : Math.max(0, end - start);
  const all = Math.max(1, waited + (ran || 0));
  const wait = Math.max(2, (waited / all) * 100);
  return html`<section class="card story" aria-label="Timeline">
    <svg class="line" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="waited" x="0" y="2" width=${ran === null ? 100 : wait} height="4" />
      ${ran !== null && html`<rect class="ran ${task.state}" x=${wait} y="0" width=${100 - wait} height="8" />`}
    </svg>
    <${Facts} facts=${[
      ['submitted', html`<${Time} at=${task.submitted_at} full />`],
      ['waited', span(waited)],
      ['started', start === null ? 'not yet' : html`<${Time} at=${task.started_at} full />`],
      ['ran', ran === null ? '–' : `${span(ran)}${ended ? '' : ' so far'}`],
      [ended ? 'ended' : 'foretold when it came', ended ? html`<${Time} at=${task.finished_at} full />` : foretold(task)],
    ]} />
  </section>`;
}

/** How long it takes yet by its parts so far; while nobody takes the next one that is said instead. */
function toGo({ progress: { done, parts, eta_s: s }, priority }, frame) {
  if (done >= parts || !frame) return '';
  if (frame.queues.some((q) => q.priority === priority && q.paused)) return ', and no further one is taken: its priority is paused';
  if (!frame.workers.some((w) => w.state === 'idle' || w.state === 'busy')) return ', and nobody takes a further one';
  return s ? `, about ${span(s * 1000)} to go` : '';
}

function foretold({ estimated, batch_id: batch }) {
  if (!estimated) return batch ? 'nothing: its batch was not foretold' : 'nothing';
  if (estimated.run_s === null) return 'nothing: none of its kind had ended in the ten minutes before';
  const { wait_s: wait, run_s: run, sample } = estimated;
  return `wait ${wait === null ? '–' : span(wait * 1000)}, run ≈ ${span(run * 1000)} (median of ${count(sample)})`;
}

function Failure({ task }) {
  const { code, message } = task.error;
  return html`<section class="trouble failure" aria-label="Why it failed">
    <p><b><span aria-hidden="true">✖</span> ${code}</b></p><p class="said">${message}</p>
    <p class="soft"><a href="/docs/errors#task_${code}">what this code means</a> · <a
      href=${href('tasks', { state: 'failed', error: code, kind: task.kind })}>others that failed with it</a> · <a
        href=${href('failures')}>all failures by cause</a></p>
  </section>`;
}

/** The pictures of this kind of task, with the points of its convergence as they come. */
function Pictures({ task, data, points }) {
  const of = useModule(() => import('../pictures/of.js'), 'picturesOf');
  if (!of) return null;
  const pictures = of({ ...task, data: data || undefined, curve: points });
  return (
    pictures.length > 0 &&
    html`<div class="pictures">
      ${pictures.map(({ title, view }) => html`<section class="card" key=${title} aria-label=${title}>${view}
        </section>`)}
    </div>`
  );
}
