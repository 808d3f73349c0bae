// The efficient frontier: the portfolios found, every asset alone, and the line to the riskless rate.

import { percent } from '../shell/numbers.js';
import { html, useState } from '../shell/ui.js';
import { Axes, line, nearest, plane } from './axes.js';
import { short } from './figures.js';
import { Picture } from './frame.js';
import { extent } from './scale.js';
import { useWidth } from './theme.js';

/** `data`, `result`: of markowitz or cvar_portfolio; a frontier, or the one portfolio among its assets. */
export function Frontier({ data, result }) {
  const [room, width] = useWidth();
  const [picked, setPicked] = useState(null);
  const found = portfolios(data, result);
  const names = assetNames(data, found);
  const assets = assetPoints(data, result, names, found.measure);
  const free = typeof data.risk_free_rate === 'number' ? data.risk_free_rate : null;
  const best = free === null ? null : bestOf(found.points, free);
  const least = found.points.length > 1 ? leastOf(found.points) : null;
  const of = plane({ width, height: 320, ...domain(found.points, assets, free) });
  const shown = picked === null ? (best ?? least ?? 0) : picked;
  const places = found.points.map((point) => [point.risk, point.mean]);
  const asPercent = (value, decimals) => percent(value, Math.max(decimals - 2, 0));
  return html`<${Picture}
    title=${found.points.length > 1 ? 'Efficient frontier' : 'Portfolio and its assets'}
    headline=${headline(found, best, least)}
    name="frontier"
    legend=${legend(found, best, least, free, assets)}
    note=${`Bars: the weights of the portfolio with ${found.measure} ${percent(found.points[shown].risk, 2)} and return ${percent(found.points[shown].mean, 2)}.${found.points.length > 1 ? ' Point at another to see its own.' : ''}`}
    table=${{
      columns: ['risk', 'return', ...names],
      rows: found.points.map((point) => [point.risk, point.mean, ...point.weights]),
    }}
  >
    <div ref=${room}>
      <svg
        viewBox="0 0 ${width} 320"
        width=${width}
        height="320"
        onPointerMove=${(event) => setPicked(nearest(of, event, places, 60))}
        onPointerLeave=${() => setPicked(null)}
      >
        <${Axes} of=${of} nameX=${found.measure} nameY="expected return" formatX=${asPercent} formatY=${asPercent} />
        ${free === null || best === null ? null : html`<${CapitalLine} of=${of} free=${free} point=${found.points[best]} />`}
        ${found.points.length > 1 ? html`<path class="stroke wide tone-blue" d=${line(of, places)} />` : null}
        ${places.map(([x, y]) => html`<circle class="fill tone-blue" data-point cx=${of.x(x)} cy=${of.y(y)} r="3" />`)}
        ${assets.map((asset) => html`<${Asset} of=${of} ...${asset} />`)}
        ${least === null ? null : html`<path class="fill tone-green" d=${triangle(of, places[least])} />`}
        ${best === null ? null : html`<path class="fill tone-red" d=${diamond(of, places[best])} />`}
        ${picked === null ? null : html`<circle class="stroke tone-ink" cx=${of.x(places[picked][0])} cy=${of.y(places[picked][1])} r="8" />`}
      </svg>
      <${Weights} width=${width} names=${names} weights=${found.points[shown].weights} />
    </div>
  <//>`;
}

function portfolios(data, result) {
  const point = (each, risk) => ({ risk, mean: each.expected_return, weights: listed(each.weights, data) });
  if (result.frontier)
    return { measure: 'risk (deviation)', points: result.frontier.map((each) => point(each, each.risk)) };
  if (result.portfolios) return { measure: 'CVaR', points: result.portfolios.map((each) => point(each, each.cvar)) };
  const conditional = typeof result.cvar === 'number';
  return {
    measure: conditional ? 'CVaR' : 'risk (deviation)',
    points: [point(result, conditional ? result.cvar : result.risk)],
  };
}

const listed = (weights, data) =>
  Array.isArray(weights) ? weights : (data.assets ?? Object.keys(weights)).map((name) => weights[name]);

function assetNames(data, found) {
  return data.assets ?? found.points[0].weights.map((_, i) => `asset_${i + 1}`);
}

function assetPoints(data, result, names, measure) {
  if (measure === 'CVaR') return [];
  const means = result.posterior_mean ? names.map((name) => result.posterior_mean[name]) : data.mean;
  const risks = data.volatility ?? data.covariance?.map((row, i) => Math.sqrt(row[i]));
  if (!means || !risks || names.length > 60) return [];
  return names.map((name, i) => ({ name, risk: risks[i], mean: means[i] }));
}

const leastOf = (points) => points.reduce((best, each, i) => (each.risk < points[best].risk ? i : best), 0);

function bestOf(points, free) {
  const ratio = (each) => (each.risk > 0 ? (each.mean - free) / each.risk : -Infinity);
  return points.reduce((best, each, i) => (ratio(each) > ratio(points[best]) ? i : best), 0);
}

// From zero, in absolute units, so that two frontiers can be laid side by side.
function domain(points, assets, free) {
  const all = [...points, ...assets];
  const [, risk] = extent(all.map((each) => each.risk));
  const [low, high] = extent([...all.map((each) => each.mean), free ?? 0, 0]);
  return {
    x: [Math.min(0, ...points.map((each) => each.risk)), risk * 1.12],
    y: [low < 0 ? low * 1.1 : 0, high * 1.1],
  };
}

function CapitalLine({ of, free, point }) {
  const slope = (point.mean - free) / point.risk;
  const end = Math.min(of.x.domain[1], slope > 0 ? (of.y.domain[1] - free) / slope : Infinity);
  const to = [end, free + slope * end];
  return html`<path class="stroke dash tone-amber" d=${line(of, [[0, free], to])} />
    <circle class="stroke tone-amber" cx=${of.x(0)} cy=${of.y(free)} r="4" />`;
}

function Asset({ of, name, risk, mean }) {
  const end = of.x(risk) > of.width - 90;
  return html`<g>
    <path class="stroke tone-grey" d="M${of.x(risk) - 5} ${of.y(mean)}h10m-5 -5v10" />
    <text class="mark-name" x=${of.x(risk) + (end ? -9 : 9)} y=${of.y(mean) - 6} text-anchor=${end ? 'end' : 'start'}
      >${name}</text
    >
  </g>`;
}

const diamond = (of, [x, y]) => `M${of.x(x)} ${of.y(y) - 8}l8 8l-8 8l-8 -8Z`;
const triangle = (of, [x, y]) => `M${of.x(x)} ${of.y(y) - 8}l8 14h-16Z`;

/** A bar a weight, with its figure: of at most twelve assets, the heaviest first. */
function Weights({ width, names, weights }) {
  const rows = names
    .map((name, i) => ({ name, weight: weights[i] }))
    .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  const some = rows.slice(0, 12);
  const most = Math.max(...some.map((row) => Math.abs(row.weight)), 1e-12);
  const left = Math.min(130, width * 0.32);
  const room = width - left - 80;
  return html`<svg viewBox="0 0 ${width} ${some.length * 20 + 4}" width=${width} height=${some.length * 20 + 4}>
    ${some.map(
      ({ name, weight }, i) =>
        html`<g transform="translate(0 ${i * 20})">
          <text class="tick" x=${left - 8} y="11" text-anchor="end" dominant-baseline="middle"
            >${clipped(name, left)}</text
          >
          <rect
            class="fill ${weight < 0 ? 'tone-amber' : 'tone-blue'}"
            x=${left}
            y="3"
            width=${Math.max((Math.abs(weight) / most) * room, 0.5)}
            height="14"
          />
          <text class="mark-name" x=${left + (Math.abs(weight) / most) * room + 6} y="11" dominant-baseline="middle"
            >${percent(weight)}</text
          >
        </g>`,
    )}
  </svg>`;
}

const clipped = (name, wide) => (name.length * 7 > wide ? `${name.slice(0, Math.floor(wide / 7) - 1)}…` : name);

function headline(found, best, least) {
  const said = (point) => `return ${percent(point.mean, 2)} at ${found.measure} ${percent(point.risk, 2)}`;
  if (found.points.length === 1) return said(found.points[0]);
  if (best !== null) return `largest Sharpe ratio of ${found.points.length} portfolios: ${said(found.points[best])}`;
  return `${found.points.length} portfolios, least risk: ${said(found.points[least])}`;
}

function legend(found, best, least, free, assets) {
  return [
    {
      shape: found.points.length > 1 ? 'line' : 'dot',
      tone: 'blue',
      text: found.points.length > 1 ? 'portfolios found' : 'portfolio found',
    },
    ...(least === null ? [] : [{ shape: 'triangle', tone: 'green', text: 'least risk' }]),
    ...(best === null ? [] : [{ shape: 'diamond', tone: 'red', text: 'largest Sharpe ratio' }]),
    ...(best === null ? [] : [{ shape: 'dash', tone: 'amber', text: `capital line from ${short(free * 100)} %` }]),
    ...(assets.length ? [{ shape: 'plus', tone: 'grey', text: 'an asset alone' }] : []),
  ];
}
