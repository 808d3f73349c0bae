// Batches: tasks that came together.

import { useAsked } from '../shell/api.js';
import { count, several } from '../shell/numbers.js';
import { Bar, Empty, Table, Trouble } from '../shell/parts.js';
import { href } from '../shell/router.js';
import { live } from '../shell/stream.js';
import { Time } from '../shell/time.js';
import { html } from '../shell/ui.js';

/** How many of a batch have ended, and the share of them. */
export function ended({ states, forgotten, accepted }) {
  const n = states.succeeded + states.failed + states.cancelled + forgotten;
  return { n, fraction: accepted ? n / accepted : 1 };
}

const none = (n) => (n ? count(n) : html`<span class="soft">0</span>`);
const COLUMNS = [
  { name: 'created', of: (b) => html`<${Time} at=${b.created_at} />`, className: 'tight' },
  {
    name: 'batch',
    of: (b) =>
      html`<a class="id" href=${href('batch', { id: b.batch_id })} title=${b.batch_id}>
        ${b.batch_id.slice(0, 4)}…${b.batch_id.slice(-6)}</a>`,
    className: 'tight',
  },
  { name: 'label', of: (b) => b.label, className: 'wide' },
  {
    name: 'ended',
    of: (b) =>
      html`<${Bar} fraction=${ended(b).fraction} done=${b.finished} label="Ended of ${b.label || b.batch_id}" />`,
    className: 'grow',
  },
  { name: 'tasks', of: (b) => count(b.accepted), num: true },
  { name: 'succeeded', of: (b) => none(b.states.succeeded), num: true },
  {
    name: 'failed',
    of: (b) => (b.states.failed ? html`<b class="state failed">${count(b.states.failed)}</b>` : none(0)),
    num: true,
  },
  { name: 'cancelled', of: (b) => none(b.states.cancelled), num: true },
  { name: 'open', of: (b) => none(b.states.scheduled + b.states.queued + b.states.running), num: true },
  { name: 'forgotten', of: (b) => none(b.forgotten), num: true },
  { name: 'rejected lines', of: (b) => none(b.rejected), num: true },
];

export default function Batches() {
  const { frame } = live.use();
  const again = JSON.stringify(frame?.states ?? null);
  const { value, error, reload } = useAsked('/batches', { again, pauseMs: 2000 });
  return html`<div class="head"><h1>Batches</h1>${value && html`<span
    class="soft">${several(value.batches.length, 'batch', 'batches')}, the newest first</span>`}</div>
    <${Trouble} error=${error} retry=${reload} />
    ${
      value &&
      html`<section class="card">
      <${Table}
        caption="Batches, newest first"
        columns=${COLUMNS}
        rows=${value.batches}
        keyOf=${(b) => b.batch_id}
        hrefOf=${(b) => href('batch', { id: b.batch_id })}
        empty=${html`<${Empty}>No batch yet: <code>POST /tasks/batch</code> takes up to 10 000 tasks at once. <a
          href="/docs">How</a><//>`}
      />
    </section>`
    }`;
}
