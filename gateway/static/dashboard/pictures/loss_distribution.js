// How large the losses are: bins of equal width, with VaR and expected shortfall where they lie.

import { count, percent } from '../shell/numbers.js';
import { html, useMemo, useState } from '../shell/ui.js';
import { short } from './figures.js';
import { Picture } from './frame.js';
import { axis, inside, Plot } from './plot.js';
import { hatch, palette } from './theme.js';

/** `result`: of var_mc, var_historical or credit_loss, with a `distribution`; `data`: of the task, for confidence and horizon. */
export function LossDistribution({ result, data = {} }) {
  const { distribution, var: atRisk } = result;
  const shortfall = typeof result.es === 'number' ? result.es : null;
  const [hovered, setHovered] = useState(null);
  const bins = useMemo(() => binsOf(distribution), [distribution]);
  const columns = useMemo(() => drawn(bins, atRisk), [bins, atRisk]);
  const level = confidence(result, data);
  const headline = `VaR ${level} ${short(atRisk)}, ES ${short(shortfall)}`;
  return html`<${Picture}
    title="Loss distribution"
    headline=${headline}
    name="loss-distribution"
    legend=${[
      { shape: 'box', tone: 'blue', text: 'losses up to VaR' },
      { shape: 'hatch', tone: 'red', text: 'losses beyond VaR' },
      { shape: 'line', tone: 'ink', text: 'VaR' },
      { shape: 'dash', tone: 'red', text: 'ES, the mean beyond VaR' },
    ]}
    note=${hovered === null ? note(result, data, distribution) : said(bins[hovered])}
    table=${{ columns: ['loss from', 'loss to', 'probability'], rows: bins.map((bin) => [bin.from, bin.to, bin.probability]) }}
  >
    <${Plot}
      height=${280}
      shape=${`${atRisk} ${shortfall} ${bins.length}`}
      data=${columns}
      onHover=${setHovered}
      options=${(uPlot) => options(uPlot, bins, atRisk, shortfall, level)}
    />
  <//>`;
}

/** The bins of a result: [{from, to, probability}]. */
export function binsOf({ lowest, highest, probability }) {
  const width = (highest - lowest) / probability.length;
  return probability.map((each, i) => ({ from: lowest + i * width, to: lowest + (i + 1) * width, probability: each }));
}

// A bin that VaR falls into is drawn in both colours, split at VaR.
function drawn(bins, atRisk) {
  const body = (bin) => (bin.from < atRisk ? bin.probability : null);
  const tail = (bin) => (bin.to > atRisk ? bin.probability : null);
  return [bins.map((bin) => (bin.from + bin.to) / 2), bins.map(body), bins.map(tail)];
}

function options(uPlot, bins, atRisk, shortfall, level) {
  const colours = palette();
  const width = bins[0].to - bins[0].from;
  const low = Math.min(bins[0].from, atRisk) - width / 2;
  const high = Math.max(bins[bins.length - 1].to, atRisk, shortfall ?? atRisk) + width / 2;
  const parts = [
    null,
    { from: -Infinity, to: atRisk, fill: colours.blue },
    { from: atRisk, to: Infinity, fill: hatch(colours.red, colours.band, 'stripes', 6) },
  ];
  return {
    scales: { x: { time: false, range: () => [low, high] }, y: { range: (_, __, most) => [0, (most || 1) * 1.12] } },
    cursor: { y: false, points: { show: false } },
    axes: [
      axis(colours, { label: 'loss (positive: lost)', values: (_, splits) => splits.map((each) => short(each)) }),
      axis(colours, { size: 60, values: (_, splits) => splits.map((each) => percent(each, 1)) }),
    ],
    series: [{}, { paths: () => null, points: { show: false } }, { paths: () => null, points: { show: false } }],
    hooks: {
      drawSeries: [(u, series) => bars(u, series, bins, parts[series])],
      draw: [
        (u) => {
          upright(u, colours.ink, [], atRisk, `VaR ${level}`, -1);
          if (shortfall !== null) upright(u, colours.red, [7, 5], shortfall, 'ES', 1);
        },
      ],
    },
  };
}

function bars(u, series, bins, { from, to, fill }) {
  inside(u, (ctx, box) => {
    ctx.fillStyle = fill;
    bins.forEach((bin, i) => {
      if (u.data[series][i] === null) return;
      const left = u.valToPos(Math.max(bin.from, from), 'x', true);
      const right = u.valToPos(Math.min(bin.to, to), 'x', true);
      const top = u.valToPos(bin.probability, 'y', true);
      ctx.fillRect(left, top, Math.max(right - left - (right - left > 3 ? 1 : 0), 1), box.top + box.height - top);
    });
  });
}

// A line at a loss, its label on the given side of it: left for VaR, right for ES, which would collide otherwise.
function upright(u, colour, dash, at, label, side) {
  inside(u, (ctx, box, ratio) => {
    const x = u.valToPos(at, 'x', true);
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = 2 * ratio;
    ctx.setLineDash(dash.map((each) => each * ratio));
    ctx.beginPath();
    ctx.moveTo(x, box.top);
    ctx.lineTo(x, box.top + box.height);
    ctx.stroke();
    ctx.font = `600 ${12 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = 'top';
    const text = `${label} ${short(at)}`;
    const wide = ctx.measureText(text).width + 8 * ratio;
    const room = side > 0 ? box.left + box.width - x : x - box.left;
    const right = room >= wide ? side > 0 : side < 0; // turned to the other side, a line lower, where there is no room
    const left = right ? x + 4 * ratio : x - wide;
    const top = box.top + (room >= wide ? 2 : 20) * ratio;
    ctx.fillStyle = palette().ground;
    ctx.fillRect(left, top, wide - 4 * ratio, 16 * ratio);
    ctx.fillStyle = colour;
    ctx.textAlign = 'left';
    ctx.fillText(text, left + 2 * ratio, top + 2 * ratio);
  });
}

function confidence(result, data) {
  const first = Array.isArray(data.confidence)
    ? data.confidence[0]
    : (data.confidence ?? result.levels?.[0]?.confidence);
  return first === undefined || first === null ? '' : percent(first, 2);
}

function said(bin) {
  return `${short(bin.from)} to ${short(bin.to)}: ${percent(bin.probability, 3)} of the losses`;
}

function note(result, data, { scenarios, tail_from: tail, below, above, probability }) {
  const of = result.diagnostics;
  const words = [];
  const all = of.scenarios || of.observations;
  const simulated = tail !== null && tail !== undefined;
  if (simulated && scenarios === null) {
    words.push(`From ${short(tail)} on the losses of all ${count(all)} scenarios, below it their normal law.`);
  } else if (simulated) {
    words.push(
      `From ${short(tail)} on the losses of all ${count(all)} scenarios, below it of the first ${count(scenarios)}.`,
    );
  } else if (scenarios === null) words.push('The exact law, added up into bins.');
  else words.push(`${count(scenarios)} ${of.observations ? 'observations' : 'scenarios'}.`);
  if (of.horizon) words.push(`Horizon ${of.horizon.replace(', sqrt_time', '').replace(/^1 days/, '1 day')}.`);
  if (below > 0 || above > 0) words.push(`Beyond the axis: ${percent(below, 3)} lower, ${percent(above, 3)} higher.`);
  words.push(`${probability.length} bins. Losses are positive, gains negative.`);
  return words.join(' ');
}
