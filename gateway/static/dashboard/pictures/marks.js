// Points and lines over a plane: prices by strike, volatility smiles, exposures by date. A shape and a tone for each group.

import { count } from '../shell/numbers.js';
import { html, useState } from '../shell/ui.js';
import { Axes, line, nearest, plane } from './axes.js';
import { short } from './figures.js';
import { Picture } from './frame.js';
import { extent } from './scale.js';
import { useWidth } from './theme.js';

const MOST = 2000; // points that are drawn of a group; the table has all
const TONES = ['blue', 'amber', 'violet', 'green', 'red', 'grey'];
const SHAPES = ['dot', 'ring', 'diamond', 'triangle', 'plus', 'cross'];
export const GROUPS = TONES.length;

/**
 * `groups`: [{name, points: [[x, y], …], joined, bare, like}], in the order of x; `joined` by a line, `bare` without marks; `like`:
 * looks as the group of that number does, else as its own. `nameX`, `nameY` of the axes and of the table's columns.
 */
export function Marks({ title, name, headline, groups, nameX, nameY, note = '', height = 280, zero = false }) {
  const [room, width] = useWidth();
  const [picked, setPicked] = useState(null);
  const drawn = groups.slice(0, GROUPS).map((group, i) => ({ ...group, tone: TONES[group.like ?? i], shape: SHAPES[group.like ?? i] }));
  const all = drawn.flatMap((group) => group.points.slice(0, MOST).map((point) => ({ point, group })));
  const reach = (i) => extent([...all.map(({ point }) => point[i]), ...(zero && i ? [0] : [])]) ?? [0, 1];
  const padded = ([low, high], share) => [low - (high - low) * share, high + (high - low) * share];
  const of = plane({ width, height, x: padded(reach(0), 0.04), y: padded(reach(1), 0.08), left: 72 });
  const under = picked === null ? null : all[picked];
  const says = ({ point: [x, y], group }) => `${group.name}: ${nameY} ${short(y, 6)} at ${nameX} ${short(x, 6)}`;
  const left = groups.reduce((sum, group) => sum + group.points.length, 0) - all.length;
  return html`<${Picture}
    title=${title}
    headline=${headline}
    name=${name}
    legend=${drawn.map((group) => ({ shape: group.bare ? 'line' : group.shape, tone: group.tone, text: group.name }))}
    note=${under ? says(under) : `${note}${left > 0 ? ` ${count(left)} more are in the table.` : ''}`.trim()}
    table=${{
      columns: ['group', nameX, nameY],
      rows: groups.flatMap((group) => group.points.map(([x, y]) => [group.name, x, y])),
    }}
  >
    <div ref=${room}>
      <svg viewBox="0 0 ${width} ${height}" width=${width} height=${height}
        onPointerMove=${(event) => setPicked(nearest(of, event, all.map(({ point }) => point), 24))}
        onPointerLeave=${() => setPicked(null)}>
        <${Axes} of=${of} nameX=${nameX} nameY=${nameY} formatX=${(at) => short(at, 5)} formatY=${(at) => short(at, 5)} />
        ${drawn.map(({ joined, tone, points }) => joined && html`<path class="stroke thin tone-${tone}" fill="none"
          d=${line(of, points.slice(0, MOST))} />`)}
        ${drawn.map(({ bare, tone, shape, points }) => !bare && points.slice(0, MOST).map(([x, y]) => Number.isFinite(x)
          && Number.isFinite(y) && html`<g transform="translate(${of.x(x)} ${of.y(y)})">${mark(shape, `tone-${tone}`)}</g>`))}
        ${under && html`<circle class="stroke thin tone-ink" cx=${of.x(under.point[0])} cy=${of.y(under.point[1])} r="8" />`}
      </svg>
    </div>
  <//>`;
}

function mark(shape, tone) {
  if (shape === 'ring') return html`<circle class="stroke thin ${tone}" r="4" />`;
  if (shape === 'diamond') return html`<path class="fill ${tone}" d="M0 -5L5 0L0 5L-5 0Z" />`;
  if (shape === 'triangle') return html`<path class="fill ${tone}" d="M0 -5L5 4H-5Z" />`;
  if (shape === 'plus') return html`<path class="stroke thin ${tone}" d="M-5 0H5M0 -5V5" />`;
  if (shape === 'cross') return html`<path class="stroke thin ${tone}" d="M-4 -4L4 4M4 -4L-4 4" />`;
  return html`<circle class="fill ${tone}" r="4" />`;
}
