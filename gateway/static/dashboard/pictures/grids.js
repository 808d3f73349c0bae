// Pictures of what was computed over a grid: swaptions over shifts of the curve, trading rules over their parameters.

import { count, several } from '../shell/numbers.js';
import { html, useState } from '../shell/ui.js';
import { percent, short, TWO_SIDED_95, withError } from './figures.js';
import { HeatMap } from './heat_map.js';
import { Levels } from './levels.js';
import { Marks } from './marks.js';

const isList = (value) => Array.isArray(value) && value.length > 0;
const one = (title, Component, props) => [{ title, view: html`<${Component} title=${title} ...${props} />` }];
const ascending = (values) => [...new Set(values)].sort((a, b) => a - b);
const shift = (value) => (value === 0 ? '0' : `${value > 0 ? '+' : ''}${percent(value, Math.abs(value) < 0.0001 ? 4 : 2)}`);

/** Of `bermudan_swaption`: the value by the shifts, what the dates add by fixed rate, where exercise begins. */
export function swaptions(data, result) {
  return [...byShift(data, result), ...premium(data, result), ...boundary(result)];
}

function byShift(data, { grid, value }) {
  if (!isList(grid)) return [];
  const xs = ascending(grid.map((cell) => cell.rate_shift));
  const ys = ascending(grid.map((cell) => cell.volatility_shift));
  const title = 'Value by shift';
  const said = `${short(value, 8)} unshifted, ${short(Math.min(...grid.map(worth)), 8)} to ${short(Math.max(...grid.map(worth)), 8)} over the grid`;
  if (xs.length > 1 && ys.length > 1) {
    const at = table(grid, xs, ys, (cell) => [cell.rate_shift, cell.volatility_shift], worth);
    const [row, column] = [ys.indexOf(0), xs.indexOf(0)];
    return one(title, HeatMap, {
      headline: said,
      name: 'value-by-shift',
      value: 'value',
      nameX: 'shift of rates',
      nameY: 'of volatility',
      formatX: shift,
      formatY: shift,
      note: row >= 0 && column >= 0 ? 'The framed cell is unshifted.' : '',
      ...{ xs, ys, values: at, mark: row >= 0 && column >= 0 ? { row, column } : undefined },
    });
  }
  const [of, nameX] = xs.length > 1 ? ['rate_shift', 'shift of rates'] : ['volatility_shift', 'shift of volatility'];
  const points = grid.map((cell) => [cell[of] * 100, cell.value]).sort(([a], [b]) => a - b);
  return one(title, Marks, {
    name: 'value-by-shift',
    headline: said,
    groups: [
      { name: 'shifted', points, joined: true },
      { name: 'unshifted', points: [[0, value]] },
    ],
    nameX: `${nameX} (%)`,
    nameY: 'value',
  });
}

const worth = (cell) => cell.value;

/** Rows of `ys`, columns of `xs`; null where nothing is known. */
function table(cells, xs, ys, placeOf, valueOf) {
  const rows = ys.map(() => xs.map(() => null));
  const [columns, lines] = [xs, ys].map((all) => new Map(all.map((each, i) => [each, i])));
  for (const cell of cells) {
    const [x, y] = placeOf(cell);
    rows[lines.get(y)][columns.get(x)] = valueOf(cell);
  }
  return rows;
}

function premium(data, { price, european_price: european }) {
  const by = data.product === 'bond_option' ? 'strike' : 'fixed_rate';
  if (!isList(price) || !isList(data[by])) return [];
  const scale = by === 'strike' ? 1 : 100;
  const of = (values) =>
    values
      .map((each, i) => [typeof data[by][i] === 'number' ? data[by][i] * scale : NaN, each])
      .filter((point) => point.every(Number.isFinite))
      .sort(([a], [b]) => a - b);
  const dated = isList(european) && european.some((each, i) => Number.isFinite(each) && each !== price[i]);
  const points = of(price);
  if (!points.length) return [];
  const most = dated ? Math.max(...price.map((each, i) => each - european[i]).filter(Number.isFinite)) : 0;
  return one('Prices of the book', Marks, {
    name: 'swaptions',
    headline: dated ? `the choice of the date is worth up to ${short(most)}` : several(points.length, 'trade'),
    groups: [
      { name: 'price', points },
      ...(dated ? [{ name: 'best date alone', points: of(european) }] : []),
    ],
    nameX: by === 'strike' ? 'strike' : 'fixed rate (%)',
    nameY: 'price',
    note: points.length < price.length ? `${several(price.length - points.length, 'trade')} without a price: see status.` : '',
  });
}

function boundary({ exercise_boundary: dates, diagnostics = {} }) {
  const points = (dates ?? []).filter(({ level }) => typeof level === 'number').map(({ time, level }) => [time, level]);
  if (points.length < 2) return [];
  return one('Where exercise begins', Marks, {
    name: 'exercise-boundary',
    headline: `${short(points[0][1])} after ${short(points[0][0])} years, ${short(points.at(-1)[1])} after ${short(points.at(-1)[0])}`,
    groups: [{ name: 'exercise begins', points, joined: true }],
    nameX: 'years',
    nameY: diagnostics.conventions?.exercise_boundary ?? 'level',
  });
}

const PARAMETERS = ['fast', 'slow', 'lookback', 'threshold'];

/** Of `strategy_grid`: the Sharpe ratio of each set with its error, and what walking forward earned. */
export function strategies({ sets, best, walk_forward: walk, standard_error: errors, ...result }) {
  if (!sets || !isList(sets.sharpe)) return [];
  const used = PARAMETERS.filter((name) => isList(sets[name]));
  const moving = used.filter((name) => new Set(sets[name]).size > 1);
  const all = sets.sharpe.map((sharpe, i) => ({ i, sharpe, error: sets.standard_error[i], of: used.map((name) => sets[name][i]) }));
  const said =
    best && typeof result.sharpe === 'number'
      ? `best ${withError(result.sharpe, errors?.sharpe)} (95 %), ${percent(result.deflated_sharpe, 1)} that it is more than luck`
      : 'no set has one';
  return [
    ...(moving.length === 2 ? [{ title: 'Sharpe ratios', view: html`<${SharpeMap} ...${{ all, used, moving, best, said }} />` }] : []),
    ...walked(walk, errors),
    ...ranked(all, used, moving, result.expected_maximum),
  ];
}

const SHOWN = { 'Sharpe ratio': (each) => each.sharpe, 'standard error': (each) => each.error };

function SharpeMap({ all, used, moving, best, said }) {
  const [shown, setShown] = useState('Sharpe ratio');
  const places = moving.map((name) => used.indexOf(name));
  const lists = places.map((place) => ascending(all.map(({ of }) => of[place])));
  const turned = lists[1].length > lists[0].length; // the longer list across
  const [x, y] = turned ? [1, 0] : [0, 1];
  const at = (each) => [each.of[places[x]], each.of[places[y]]];
  const [xs, ys] = [lists[x], lists[y]];
  const top = best ? at(all[best.index]) : null;
  const tools = html`<span role="group" aria-label="Shown">
    ${Object.keys(SHOWN).map((each) => html`<button type="button" aria-pressed=${each === shown} onClick=${() => setShown(each)}>${each}</button>`)}
  </span>`;
  return html`<${HeatMap}
    title=${`${shown} by ${moving[x]} and ${moving[y]}`}
    headline=${said}
    name=${`sharpe-map-${shown.split(' ')[0].toLowerCase()}`}
    tools=${tools}
    nameX=${moving[x]}
    nameY=${moving[y]}
    formatX=${(value) => short(value, 4)}
    formatY=${(value) => short(value, 4)}
    value=${shown}
    note="The framed cell is the best set; a grey one could not be tried."
    xs=${xs}
    ys=${ys}
    values=${table(all, xs, ys, at, SHOWN[shown])}
    mark=${top && { row: ys.indexOf(top[1]), column: xs.indexOf(top[0]) }}
  />`;
}

/** The sets as bars with their intervals: of one parameter in its order, else the best first. */
function ranked(all, used, moving, luck) {
  const known = all.filter(({ sharpe }) => typeof sharpe === 'number');
  if (!known.length) return [];
  if (moving.length !== 1) known.sort((a, b) => b.sharpe - a.sharpe);
  const rest = all.length - known.length;
  const names = moving.length ? moving : used;
  return one('Sharpe ratio of each set', Levels, {
    name: 'sharpe-ratios',
    headline: [several(known.length, 'set'), typeof luck === 'number' && `the best of so many shows ${short(luck, 3)} by luck alone`]
      .filter(Boolean)
      .join(', '),
    rows: known.map(({ sharpe, error, of }) => ({
      label: names.map((name) => `${name} ${short(of[used.indexOf(name)])}`).join(', '),
      values: [sharpe],
      errors: [typeof error === 'number' ? TWO_SIDED_95 * error : null],
    })),
    series: [{ name: 'Sharpe ratio', tone: 'blue' }],
    unit: 'per square root of a year',
    what: 'set',
    note: rest > 0 ? `${several(rest, 'set')} without a ratio: see status.` : '',
  });
}

function walked(walk, errors) {
  if (!isList(walk?.steps)) return [];
  let sum = 0;
  const begin = walk.steps[0].train_end;
  const points = walk.steps.map((step) => [step.test_end, (sum += step.return_out_of_sample * 100)]);
  const ratio = typeof walk.sharpe === 'number' ? withError(walk.sharpe, errors?.['walk_forward.sharpe']) : '–';
  return one('Walking forward', Marks, {
    name: 'walk-forward',
    headline: `${percent(sum / 100, 2)} in ${count(walk.periods)} periods, Sharpe ratio ${ratio} (95 %)`,
    groups: [{ name: 'earned so far', points: [[begin, 0], ...points], joined: true }],
    nameX: 'period',
    nameY: 'sum of returns (%)',
    note: `After each of ${several(walk.steps.length, 'window')}: the set was chosen on the periods before it, never on its own.`,
    zero: true,
  });
}
