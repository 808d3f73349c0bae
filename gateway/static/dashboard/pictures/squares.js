// A batch as squares, one a task: colour and shape say its state.

import { count } from '../shell/numbers.js';
import { html, useState } from '../shell/ui.js';
import { FINAL, STATES } from '../shell/words.js';
import { Picture } from './frame.js';
import { useWidth } from './theme.js';

const SIDE = 14;
const MOST = 2000;

/** `tasks`: [{task_id, state, label}] in the order of the batch; `onPick(task_id)`. */
export function Squares({ tasks, onPick }) {
  const [room, width] = useWidth();
  const [under, setUnder] = useState(null);
  const some = tasks.slice(0, MOST);
  const across = Math.max(Math.floor(width / SIDE), 1);
  const height = Math.ceil(some.length / across) * SIDE || SIDE;
  const at = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / SIDE);
    const i = Math.floor((event.clientY - box.top) / SIDE) * across + column;
    return column < across && i < some.length ? i : null;
  };
  const counts = STATES.map((state) => [state, tasks.filter((task) => task.state === state).length]);
  const done = counts.reduce((sum, [state, n]) => sum + (FINAL.includes(state) ? n : 0), 0);
  const task = under === null ? null : some[under];
  return html`<${Picture}
    title="Tasks of the batch"
    headline=${`${count(done)} of ${count(tasks.length)} ended, ${count(counts.find(([state]) => state === 'failed')[1])} failed`}
    name="batch"
    legend=${counts.filter(([, n]) => n).map(([state, n]) => ({ ...LEGEND[state], text: `${state} ${count(n)}` }))}
    note=${task ? `${task.label || task.task_id}: ${task.state}` : tasks.length > MOST ? `The first ${count(MOST)} of ${count(tasks.length)}.` : ''}
    table=${{ columns: ['task', 'label', 'state'], rows: tasks.map((each) => [each.task_id, each.label ?? '', each.state]) }}
  >
    <div ref=${room}>
      <svg
        viewBox="0 0 ${width} ${height}"
        width=${width}
        height=${height}
        onPointerMove=${(event) => setUnder(at(event))}
        onPointerLeave=${() => setUnder(null)}
        onClick=${(event) => at(event) !== null && onPick?.(some[at(event)].task_id)}
      >
        ${some.map((each, i) => html`<g data-state=${each.state} transform="translate(${(i % across) * SIDE} ${Math.floor(i / across) * SIDE})">${square(each.state)}</g>`)}
      </svg>
    </div>
  <//>`;
}

const LEGEND = {
  scheduled: { shape: 'ring', tone: 'grey' },
  queued: { shape: 'ring', tone: 'grey' },
  running: { shape: 'hatch', tone: 'blue' },
  succeeded: { shape: 'box', tone: 'green' },
  failed: { shape: 'cross', tone: 'red' },
  cancelled: { shape: 'faint', tone: 'grey' },
};

function square(state) {
  const box = (paint) => html`<rect class=${paint} x="1.5" y="1.5" width="11" height="11" rx="2" />`;
  if (state === 'succeeded')
    return html`${box('fill tone-green')}<path class="stroke thin tone-ground" d="M4 7.5l2 2l4 -5" />`;
  if (state === 'failed')
    return html`${box('stroke thin tone-red')}<path class="stroke tone-red" d="M4 4l6 6M10 4l-6 6" />`;
  if (state === 'running')
    return html`${box('stroke thin tone-blue')}<path
        class="stroke thin tone-blue"
        d="M2 8l6 -6M2 12l10 -10M6 12l6 -6"
      />`;
  if (state === 'cancelled')
    return html`${box('stroke thin tone-grey')}<path class="stroke thin tone-grey" d="M4 7h6" />`;
  return box('stroke thin tone-grey');
}
