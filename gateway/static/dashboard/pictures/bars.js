// Stacked bars over time: so many of each, minute by minute.

import { count } from '../shell/numbers.js';
import { clock } from '../shell/time.js';
import { html, useState } from '../shell/ui.js';
import { Axes, nearest, plane } from './axes.js';
import { Picture } from './frame.js';
import { useWidth } from './theme.js';

const TOLD = 4; // marks in words under the picture, the last ones; the table has all

/**
 * `series`: {at: [ms, …], stacks: [{name, tone, hatched, values}]}; `title`, `name` of the files; `unit` of a figure;
 * `marks`: [{at: ms, text}], what happened at a time: a line, and a sentence below.
 */
export function Bars({ series, title, name, unit = 'tasks', height = 170, marks = [] }) {
  const [room, width] = useWidth();
  const [picked, setPicked] = useState(null);
  const { at, stacks } = series;
  const total = at.map((_, i) => stacks.reduce((sum, stack) => sum + (stack.values[i] ?? 0), 0));
  const step = at.length > 1 ? at[1] - at[0] : 60_000;
  const most = Math.max(...total, 1);
  const of = plane({
    width,
    height,
    x: [(at[0] ?? 0) - step / 2, (at[at.length - 1] ?? step) + step / 2],
    y: [0, most * 1.08],
    left: 48,
    bottom: 42,
  });
  const all = stacks.map((stack) => [stack.name, stack.values.reduce((sum, value) => sum + (value ?? 0), 0)]);
  const seen = at.length ? marks.filter((mark) => mark.at >= at[0]) : [];
  const said = (i) =>
    `${clock(at[i])}: ${stacks.map((stack) => `${count(stack.values[i] ?? 0)} ${stack.name}`).join(', ')}`;
  return html`<${Picture}
    title=${title}
    headline=${all.map(([each, sum]) => `${count(sum)} ${each}`).join(', ') || 'nothing yet'}
    name=${name}
    legend=${[
      ...stacks.map((stack) => ({ shape: stack.hatched ? 'hatch' : 'box', tone: stack.tone, text: stack.name })),
      ...seen.slice(-TOLD).map((mark) => ({ shape: 'upright', tone: 'violet', text: `${clock(mark.at).slice(-8, -3)} ${mark.text}` })),
    ]}
    note=${picked === null || at[picked] === undefined ? '' : said(picked)}
    table=${behind(series, unit, seen)}
  >
    <div ref=${room}>
      <svg
        viewBox="0 0 ${width} ${height}"
        width=${width}
        height=${height}
        onPointerMove=${(event) =>
          setPicked(
            nearest(
              of,
              event,
              at.map((from) => [from, 0]),
            ),
          )}
        onPointerLeave=${() => setPicked(null)}
      >
        <defs>
          ${stacks.filter((stack) => stack.hatched).map((stack) => html`<${Hatch} id=${`${name}-${stack.tone}`} tone=${stack.tone} />`)}
        </defs>
        <${Axes} of=${{ ...of, ticksX: [], ticksY: whole(of.ticksY) }} nameX="" nameY=${unit} />
        ${at.map((from, i) => html`<${Stack} of=${of} from=${from} step=${step} i=${i} stacks=${stacks} name=${name} />`)}
        ${seen.map(({ at: time, text }) => html`<${Mark} of=${of} at=${time - step / 2} text=${text} />`)}
        <${Times} of=${of} at=${at} />
      </svg>
    </div>
  <//>`;
}

/** All that is drawn: a row a bar, with what was marked in its time. */
function behind({ at, stacks }, unit, marks) {
  const until = (i) => at[i + 1] ?? Infinity;
  const texts = (i) => marks.filter((mark) => mark.at >= at[i] && mark.at < until(i)).map((mark) => mark.text);
  return {
    columns: ['from', ...stacks.map((stack) => `${stack.name} (${unit})`), ...(marks.length ? ['started'] : [])],
    rows: at.map((from, i) => [
      new Date(from).toISOString(),
      ...stacks.map((stack) => stack.values[i] ?? 0),
      ...(marks.length ? [texts(i).join('; ')] : []),
    ]),
  };
}

// A bar stands in the middle of its own time, so what happened in it stands half a bar earlier.
function Mark({ of, at, text }) {
  const [bottom, top] = of.y.range;
  const x = Math.min(of.x(at), of.x.range[1]);
  return html`<g class="mark">
    <title>${text}</title>
    <path class="stroke thin dash tone-violet" d="M${x} ${bottom}V${top}" />
    <path class="fill tone-violet" d="M${x - 5} ${top - 8}H${x + 5}L${x} ${top}Z" />
  </g>`;
}

// Nobody counts halves.
const whole = (ticks) => ticks.filter(({ value }) => Number.isInteger(value)).map((tick) => ({ ...tick, decimals: 0 }));

function Hatch({ id, tone }) {
  return html`<pattern id=${id} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <rect class="fill tone-ground" width="5" height="5" />
    <path class="stroke tone-${tone}" d="M0 0V5" />
  </pattern>`;
}

function Stack({ of, from, step, i, stacks, name }) {
  let below = 0;
  const left = of.x(from - step / 2);
  const wide = Math.max(of.x(from + step / 2) - left - 1, 0.5);
  return html`<g>
    ${stacks.map((stack) => {
      const value = stack.values[i] ?? 0;
      const [bottom, top] = [of.y(below), of.y(below + value)];
      below += value;
      if (!value) return null;
      return html`<rect
        class=${stack.hatched ? '' : `fill tone-${stack.tone}`}
        fill=${stack.hatched ? `url(#${name}-${stack.tone})` : undefined}
        x=${left}
        y=${top}
        width=${wide}
        height=${bottom - top}
      />`;
    })}
  </g>`;
}

function Times({ of, at }) {
  const every = Math.max(Math.ceil((at.length * 80) / (of.width - 60)), 1);
  return at.map((from, i) =>
    i % every
      ? null
      : html`<text class="tick" x=${of.x(from)} y=${of.y.range[0] + 16} text-anchor="middle"
          >${clock(from).slice(-8, -3)}</text
        >`,
  );
}
