// An estimate on its way: after each folded prefix of the parts, with the band that holds the truth 95 times in 100.

import { count } from '../shell/numbers.js';
import { html, useMemo, useState } from '../shell/ui.js';
import { fixed, short, TWO_SIDED_95, withError } from './figures.js';
import { Picture } from './frame.js';
import { axis, inside, Plot } from './plot.js';
import { decimalsOfStep, extent } from './scale.js';
import { palette } from './theme.js';

/**
 * `curve`: [{parts, n, estimate, standard_error}] as parts were folded; n counts paths or scenarios (`unit`), or is
 * null, then parts are counted. `reference`: {value, text} of a closed form. `target`: the standard error at which the
 * task stops. `name`: of what is estimated.
 */
export function Convergence({
  curve,
  reference = null,
  target = null,
  name = 'estimate',
  unit = 'paths',
  live = false,
}) {
  const points = curve.filter((point) => Number.isFinite(point.estimate));
  const [hovered, setHovered] = useState(null);
  const last = points[points.length - 1];
  const counted = points.every((point) => Number.isFinite(point.n)) ? unit : 'parts';
  const amount = (point) => (counted === 'parts' ? point.parts : point.n);
  const data = useMemo(() => columns(points, amount, reference, target), [curve, reference?.value, target]);
  if (!last) return html`<p class="picture-note">The first estimate comes with the first fold of parts.</p>`;
  const said = (point) =>
    `${withError(point.estimate, point.standard_error)} (95 %, ${count(amount(point))} ${counted})`;
  const shape = `${reference ? 1 : 0}${target ? 1 : 0}${counted}`;
  return html`<${Picture}
    title=${`Convergence of ${name}`}
    headline=${said(last)}
    name=${`convergence-${name}`}
    note=${note(points, reference, live, hovered === null ? null : points[hovered], said)}
    legend=${legend(reference, target)}
    table=${table(points, counted)}
  >
    <${Plot}
      height=${260}
      shape=${shape}
      data=${data}
      onHover=${setHovered}
      options=${(uPlot) => options(uPlot, reference, target, counted)}
    />
  <//>`;
}

function columns(points, amount, reference, target) {
  if (!points.length) return null;
  const half = (point) => (Number.isFinite(point.standard_error) ? TWO_SIDED_95 * point.standard_error : 0);
  const last = points[points.length - 1];
  const all = (value) => points.map(() => value);
  const aim = target ? TWO_SIDED_95 * target : 0;
  return [
    points.map(amount),
    points.map((point) => point.estimate + half(point)),
    points.map((point) => point.estimate - half(point)),
    points.map((point) => point.estimate),
    ...(reference ? [all(reference.value)] : []),
    ...(target ? [all(last.estimate + aim), all(last.estimate - aim)] : []),
  ];
}

function options(uPlot, reference, target, counted) {
  const colours = palette();
  const edge = { stroke: colours.blue, width: 1, points: { show: false } };
  return {
    scales: { x: { time: false, distr: 3, range: decades }, y: { range: roomy } },
    cursor: { y: false, points: { size: 9 } },
    axes: [
      axis(colours, { label: counted, values: (_, splits) => splits.map(power), filter: (_, splits) => splits }),
      axis(colours, { size: 76, values: stepped }),
    ],
    bands: [{ series: [1, 2], fill: colours.band }],
    series: [
      {},
      edge,
      edge,
      { stroke: colours.blue, width: 2, points: { show: true, size: 6, fill: colours.blue } },
      ...(reference ? [{ stroke: colours.red, width: 2, dash: [7, 5], points: { show: false } }] : []),
      ...(target ? [faint(colours), faint(colours)] : []),
    ],
    hooks: { draw: [single] },
  };
}

// Labels with the decimals that their step needs.
const stepped = (_, splits, __, ___, step) => splits.map((each) => fixed(each, decimalsOfStep(step)));

const faint = (colours) => ({ stroke: colours.grey, width: 1, dash: [2, 3], points: { show: false } });

// Whole decades where the points span any; round a single point its own.
function decades(u, low, high) {
  if (!(low > 0)) return [1, 10];
  return low === high ? [low / 3, high * 3] : [low / 1.15, high * 1.15];
}

function roomy(u, low, high) {
  const found = extent([low, high]);
  if (!found) return [0, 1];
  const room = (high - low) * 0.08 || Math.abs(high) * 0.01 || 1;
  return [low - room, high + room];
}

function power(value) {
  if (value === null || value === undefined) return '';
  const digits = Math.log10(value);
  if (Math.abs(digits - Math.round(digits)) > 1e-9) return '';
  return value >= 1e6 ? `${value / 1e6} M` : count(value);
}

// A band of one point has no width: its interval is drawn as a bar.
function single(u) {
  if (u.data[0].length !== 1) return;
  inside(u, (ctx, _, ratio) => {
    const x = u.valToPos(u.data[0][0], 'x', true);
    const [high, low] = [1, 2].map((i) => u.valToPos(u.data[i][0], 'y', true));
    ctx.strokeStyle = palette().blue;
    ctx.lineWidth = 2 * ratio;
    ctx.setLineDash([]);
    ctx.beginPath();
    for (const [from, to, at] of [
      [x, x, null],
      [x - 8 * ratio, x + 8 * ratio, high],
      [x - 8 * ratio, x + 8 * ratio, low],
    ]) {
      ctx.moveTo(from, at ?? high);
      ctx.lineTo(to, at ?? low);
    }
    ctx.stroke();
  });
}

function legend(reference, target) {
  return [
    { shape: 'line', tone: 'blue', text: 'estimate' },
    { shape: 'box', tone: 'band', text: '95 % band' },
    ...(reference ? [{ shape: 'dash', tone: 'red', text: `${reference.text} ${short(reference.value, 8)}` }] : []),
    ...(target
      ? [{ shape: 'faint', tone: 'grey', text: `stops inside, at a standard error of ${short(target)}` }]
      : []),
  ];
}

function note(points, reference, live, hovered, said) {
  if (hovered) return `After ${count(hovered.parts)} parts: ${said(hovered)}`;
  const last = points[points.length - 1];
  const words = [];
  if (live) words.push('Parts are still arriving; the band narrows as they do.');
  if (reference && last.standard_error > 0) {
    const away = (last.estimate - reference.value) / last.standard_error;
    words.push(
      `The estimate is ${fixed(Math.abs(away), 2)} standard errors ${away < 0 ? 'below' : 'above'} the ${reference.text}.`,
    );
  }
  return words.join(' ');
}

function table(points, counted) {
  const half = (point) => TWO_SIDED_95 * point.standard_error;
  return {
    columns: [
      'parts',
      ...(counted === 'parts' ? [] : [counted]),
      'estimate',
      'standard error',
      '95 % low',
      '95 % high',
    ],
    rows: points.map((point) => [
      point.parts,
      ...(counted === 'parts' ? [] : [point.n]),
      point.estimate,
      point.standard_error,
      point.estimate - half(point),
      point.estimate + half(point),
    ]),
  };
}
