// An estimate on its way: after each folded prefix of the parts, with the band that holds the truth 95 times in 100.

import { count, figure } from '../shell/numbers.js';
import { html, useMemo, useState } from '../shell/ui.js';
import { fixed, short, TWO_SIDED_95, withError } from './figures.js';
import { Picture } from './frame.js';
import { axis, inside, Plot } from './plot.js';
import { decimalsOfStep, extent } from './scale.js';
import { palette } from './theme.js';

/**
 * `curve`: [{parts, n, estimate, standard_error}] as parts were folded; n counts paths or scenarios (`unit`), or is
 * null, then parts are counted. `reference`: {value, text} of a closed form. `target`: the standard error at which the
 * task stops. `name`: of what is estimated. `ranMs`: how long the task ran, so far.
 */
export function Convergence({
  curve,
  reference = null,
  target = null,
  name = 'estimate',
  unit = 'paths',
  live = false,
  ranMs = null,
}) {
  const points = curve.filter((point) => Number.isFinite(point.estimate));
  const [hovered, setHovered] = useState(null);
  const last = points[points.length - 1];
  const counted = points.every((point) => Number.isFinite(point.n)) ? unit : 'parts';
  const amount = (point) => (counted === 'parts' ? point.parts : point.n);
  const data = useMemo(() => columns(points, amount), [curve, counted]);
  if (!last) return html`<p class="picture-note">The first estimate comes with the first fold of parts.</p>`;
  const said = (point) =>
    `${withError(point.estimate, point.standard_error)} (95 %, ${count(amount(point))} ${counted})`;
  const shape = `${reference?.value} ${target} ${counted}`;
  return html`<${Picture}
    title=${points.length > 1 ? `Convergence of ${name}` : `Estimate of ${name}`}
    headline=${said(last)}
    name=${`convergence-${name}`}
    note=${note(points, reference, live, hovered === null ? null : points[hovered], said, counted !== 'parts' && paceOf(last.n, ranMs, unit))}
    legend=${legend(points, reference, target)}
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

function columns(points, amount) {
  if (!points.length) return null;
  const half = (point) => (Number.isFinite(point.standard_error) ? TWO_SIDED_95 * point.standard_error : 0);
  return [
    points.map(amount),
    points.map((point) => point.estimate + half(point)),
    points.map((point) => point.estimate - half(point)),
    points.map((point) => point.estimate),
  ];
}

function options(uPlot, reference, target, counted) {
  const colours = palette();
  const edge = { stroke: colours.blue, width: 1, points: { show: false } };
  return {
    scales: {
      x: { time: false, distr: 3, range: stretch },
      y: { range: (u, low, high) => roomy(low, high, reference, target) },
    },
    cursor: { y: false, points: { size: 9 } },
    axes: [
      axis(colours, {
        label: counted,
        splits: (u, _, low, high) => decades(u, low, high),
        values: (_, splits) => splits.map(amounts),
        filter: (_, splits) => splits,
      }),
      axis(colours, { size: 76, values: stepped }),
    ],
    bands: [{ series: [1, 2], fill: colours.band }],
    series: [{}, edge, edge, { stroke: colours.blue, width: 2, points: { show: true, size: 6, fill: colours.blue } }],
    hooks: { draw: [(u) => levels(u, reference, target), single] },
  };
}

// Labels with the decimals that their step needs.
const stepped = (_, splits, __, ___, step) => splits.map((each) => fixed(each, decimalsOfStep(step)));

// A closed form, and what the task stops at, over the whole width.
function levels(u, reference, target) {
  const colours = palette();
  const last = u.data[3][u.data[3].length - 1];
  const aim = TWO_SIDED_95 * target;
  if (target) for (const at of [last + aim, last - aim]) level(u, at, colours.grey, [2, 3], 1);
  if (reference) level(u, reference.value, colours.red, [7, 5], 2);
}

function level(u, at, colour, dash, wide) {
  inside(u, (ctx, box, ratio) => {
    const y = u.valToPos(at, 'y', true);
    ctx.strokeStyle = colour;
    ctx.lineWidth = wide * ratio;
    ctx.setLineDash(dash.map((each) => each * ratio));
    ctx.beginPath();
    ctx.moveTo(box.left, y);
    ctx.lineTo(box.left + box.width, y);
    ctx.stroke();
  });
}

// On a logarithmic axis a single point gets a decade around it.
function stretch(u, low, high) {
  if (!(low > 0)) return [1, 10];
  return low === high ? [low / 3, high * 3] : [low / 1.15, high * 1.15];
}

/** Ticks of a logarithmic axis: powers of ten; where they are far apart on the screen also 2 and 5 times them. */
function decades(u, low, high) {
  const apart = u.width / Math.log10(high / low);
  const factors = apart < 220 ? [1] : apart < 900 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const found = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
    for (const factor of factors) if (factor * power >= low && factor * power <= high) found.push(factor * power);
  }
  return found;
}

const amounts = (value) => (value >= 1e6 ? `${short(value / 1e6, 4)} M` : count(value));

// The band with some room, and the closed form where it is not far away.
function roomy(low, high, reference, target) {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const size = high - low || Math.abs(high) * 0.01 || 1;
  const near = reference && Math.abs(reference.value - (low + high) / 2) < 2 * size ? [reference.value] : [];
  const [least, most] = extent([low, high, ...near]);
  return [least - size * 0.08, most + size * 0.08];
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

function legend(points, reference, target) {
  const interval =
    points.length > 1
      ? { shape: 'box', tone: 'band', text: '95 % band' }
      : { shape: 'interval', tone: 'blue', text: '95 % interval' };
  return [
    { shape: points.length > 1 ? 'line' : 'dot', tone: 'blue', text: 'estimate' },
    interval,
    ...(reference ? [{ shape: 'dash', tone: 'red', text: `${reference.text} ${short(reference.value, 8)}` }] : []),
    ...(target
      ? [{ shape: 'faint', tone: 'grey', text: `stops inside, at a standard error of ${short(target)}` }]
      : []),
  ];
}

/** So many a second, of those that are folded; "" where it cannot be known. */
function paceOf(n, ranMs, unit) {
  if (!(n > 0 && ranMs > 0)) return '';
  const pace = (n / ranMs) * 1000;
  return `${pace >= 1e6 ? `${figure(pace / 1e6)} million` : count(pace)} ${unit} a second.`;
}

function note(points, reference, live, hovered, said, pace) {
  if (hovered) return `After ${count(hovered.parts)} parts: ${said(hovered)}`;
  const last = points[points.length - 1];
  const words = [];
  if (live) words.push('Parts are still arriving; the band narrows as they do.');
  if (reference && last.standard_error > 0) {
    const away = (last.estimate - reference.value) / last.standard_error;
    words.push(
      `The estimate is ${fixed(Math.abs(away), 2)} standard errors ${away < 0 ? 'below' : 'above'} the ${reference.text}.${reference.note ? ` ${reference.note}` : ''}`,
    );
  }
  if (pace) words.push(pace);
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
