// What can be done to a task, by those who may.

import { ask, useMay } from '../shell/api.js';
import { confirm } from '../shell/dialog.js';
import { go, href } from '../shell/router.js';
import { html, useState } from '../shell/ui.js';
import { FINAL } from '../shell/words.js';

const AGAIN = {
  retry: ['Retry', 'A new task with the same data and seed is submitted. This one stays as it is.'],
  rerun: [
    'Run again',
    'A new task with the same data and seed is submitted, and its result is compared with this one, bit by bit.',
  ],
};

/** The task as one file. */
function Report({ task }) {
  const [wrong, say] = useState('');
  const make = async () => {
    try {
      await (await import('./report.js')).report(task);
      say('');
    } catch (error) {
      say(error.message);
    }
  };
  return html`<button onClick=${make} title="Data, result, pictures and provenance as one HTML file, to keep or print">Report</button>
    ${wrong && html`<span role="alert">${wrong}</span>`}`;
}

export function Acts({ task, reload }) {
  const submitter = useMay('submitter');
  const operator = useMay('operator');
  const { task_id: id, state, kind } = task;
  const over = FINAL.includes(state);
  const again = { failed: 'retry', cancelled: 'retry', succeeded: 'rerun' }[state];
  const repeat = () =>
    confirm({
      title: `${AGAIN[again][0]}?`,
      says: AGAIN[again][1],
      verb: AGAIN[again][0],
      act: async () => {
        const { value } = await ask('POST', `/tasks/${id}/${again}`);
        go('task', { id: value.task_id });
      },
    });
  const cancel = () =>
    confirm({
      title: `Cancel this task?`,
      says: 'What is computed of it so far is given up. This cannot be taken back.',
      verb: 'Cancel the task',
      reason: 'Why? (if you like)',
      optional: true,
      act: async (reason) => {
        await ask('POST', `/tasks/${id}/cancel`, { reason });
        reload();
      },
    });
  const purge = () =>
    confirm({
      title: 'Remove the record?',
      says: 'Task, data and result are removed from the store now, not when their time is over. This cannot be taken back.',
      verb: 'Remove it',
      act: async () => {
        await ask('DELETE', `/tasks/${id}`);
        go('tasks');
      },
    });
  return html`<span class="right">
    ${submitter && !over && html`<button class="danger" data-key="c" onClick=${cancel}>Cancel …</button>`}
    ${submitter && over && html`<button data-key="r" onClick=${repeat}>${AGAIN[again][0]} …</button>`}
    ${submitter && html`<a class="button" href=${href('try', { kind, like: id })}>Change and submit</a>`}
    ${over && html`<${Report} task=${task} />`}
    <a class="button" href=${href('compare', task.rerun ? { a: task.rerun.of, b: id } : { a: id })}>Compare</a>
    ${operator && over && html`<button onClick=${purge}>Remove …</button>`}
  </span>`;
}
