// What happened to a task: who computed which of its jobs, and what was unusual.

import { useAsked } from '../shell/api.js';
import { count, span } from '../shell/numbers.js';
import { Empty } from '../shell/parts.js';
import { Time } from '../shell/time.js';
import { html } from '../shell/ui.js';
import { plural } from '../shell/words.js';

const SHOWN = 40;
const LINES = ['done', 'died', 'stopped', 'timed_out', 'refused', 'broke'];

export function Happened({ task }) {
  const again = `${task.state} ${task.progress.done} ${task.attempts} ${task.interruptions}`;
  const { value } = useAsked(`/tasks/${task.task_id}/history`, { again, pauseMs: 2000 });
  const { lines = [], jobs = [] } = value || {};
  return html`<section class="card" aria-labelledby="happened">
    <h2 id="happened">What happened</h2>
    ${value && !lines.length && !jobs.length && html`<${Empty}>
      ${task.started_at ? 'Nothing unusual; which process computed it is no longer known.' : 'Nothing yet.'}<//>`}
    ${
      lines.length > 0 &&
      html`<ul class="happened">
      ${lines.map(({ at, text }) => html`<li key=${`${at}${text}`}><${Time} at=${at} full /> ${text}</li>`)}
    </ul>`
    }
    ${jobs.length > 0 && html`<${Jobs} jobs=${jobs} />`}
  </section>`;
}

function Jobs({ jobs }) {
  const some = jobs.slice(-SHOWN).reverse();
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Jobs that ended">
      <table class="rows">
        <caption class="hidden">Jobs that ended, the last first</caption>
        <thead>
          <tr><th scope="col">job</th><th scope="col">process</th><th scope="col">from</th><th scope="col"
            class="num">ran</th><th scope="col">outcome</th></tr>
        </thead>
        <tbody>
          ${some.map(
            (job) => html`<tr key=${`${job.job}${job.from_ms}`}>
              <td><code>${job.job}</code></td>
              <td>${job.consumer}:${job.child}</td>
              <td class="tight"><${Time} at=${job.from_ms} full /></td>
              <td class="num" data-name="ran">${span(job.ran_ms)}</td>
              <td class=${LINES.indexOf(job.outcome) > 0 ? 'state failed' : ''}>${job.outcome.replaceAll('_', ' ')}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${jobs.length > SHOWN && html`<p
      class="soft under">The last ${SHOWN} of ${count(jobs.length)} ${plural(jobs.length, 'job')}.</p>`}`;
}
