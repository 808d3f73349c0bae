// Pictures of results that are lists: what scenarios and parts come to as bars, what goes with strike or time as points.

import { count } from '../shell/numbers.js';
import { html } from '../shell/ui.js';
import { percent, short, TWO_SIDED_95 } from './figures.js';
import { strategies, swaptions } from './grids.js';
import { Levels } from './levels.js';
import { GROUPS, Marks } from './marks.js';

const share = (value, digits) => percent(value, digits > 4 ? 3 : 1);
const isList = (value) => Array.isArray(value) && value.some((each) => typeof each === 'number');
const each = (value, i) => (Array.isArray(value) ? value[i] : value);

/** By kind: (data, result) → [{title, view}]; what the result does not have gives none. */
const OF = {
  stress_test: (data, result) => stress(result),
  var_mc: (data, result) => contributions(result, 'var', 'VaR', Object.entries(result.component_var ?? {}), result.component_standard_error?.var),
  credit_loss: (data, result) => ofPools(data, result),
  risk_budget: (data, result) => shares(result),
  bond_book: (data, result) => [...keyRates(result), ...bondScenarios(result)],
  option_european: (data, result) => book(data, result),
  option_american: (data, result) => book(data, result),
  implied_vol: (data, result) => smile(data, result),
  model_calibration: (data, result) => fit(data, result),
  cva: (data, result) => exposure(result),
  bermudan_swaption: swaptions,
  strategy_grid: (data, result) => strategies(result),
};

/** The pictures of a result, beside those that of.js knows. */
export function resultsOf({ kind, data = {}, result }) {
  return result && OF[kind] ? OF[kind](data, result) : [];
}

const one = (title, Component, props) => [{ title, view: html`<${Component} title=${title} ...${props} />` }];

function stress({ scenarios, worst }) {
  if (!scenarios?.length) return [];
  const rows = scenarios.map(({ name, pnl }) => ({ label: name, values: [pnl] }));
  const headline = worst ? `worst: ${worst.name} ${short(worst.pnl)}` : several(rows.length, 'scenario');
  const found = one('Stress test', Levels, {
    name: 'stress',
    headline,
    rows,
    series: [{ name: 'profit and loss', tone: 'blue' }],
    unit: 'profit (losses negative)',
    what: 'scenario',
  });
  const hardest = worst && scenarios.find(({ name }) => name === worst.name);
  const parts = Object.entries(hardest?.contributions ?? {});
  if (hardest?.interaction) parts.push(['together', hardest.interaction]);
  if (parts.length < 2) return found;
  const title = `What makes ${worst.name}`;
  return [
    ...found,
    ...one(title, Levels, {
      name: 'stress-parts',
      headline: `in all ${short(hardest.pnl)}`,
      rows: parts.map(([label, value]) => ({ label, values: [value] })),
      series: [{ name: 'profit and loss', tone: 'amber' }],
      unit: 'profit (losses negative)',
      what: 'factor',
      note: hardest.interaction ? 'Each factor alone; “together” is what they do only at once.' : 'Each factor alone.',
    }),
  ];
}

/** Parts of a risk measure, the largest first: they add up to it. */
function contributions(result, of, said, parts, errors = {}) {
  if (parts.length < 2 || !parts.every(([, value]) => typeof value === 'number')) return [];
  const rows = parts.map(([label, value]) => ({ label, values: [value], errors: [half(errors?.[label])] }));
  rows.sort((a, b) => b.values[0] - a.values[0]);
  const [{ label, values }] = rows;
  const headline = result[of] > 0 ? `${label} ${percent(values[0] / result[of], 1)} of ${short(result[of])}` : short(result[of]);
  return one(`What makes the ${said}`, Levels, {
    name: `parts-of-${of}`,
    headline,
    rows,
    series: [{ name: `part of ${said}`, tone: 'blue' }],
    unit: 'currency',
    what: 'position',
    note: `They add up to the ${said}. Below zero: it lowers it.`,
  });
}

const half = (error) => (typeof error === 'number' ? TWO_SIDED_95 * error : null);

function ofPools(data, result) {
  if (!isList(result.component_es)) return [];
  const names = (data.pools ?? data.names ?? []).map((pool, i) => pool?.name ?? `${i + 1}`);
  const label = (i) => names[i] ?? `${i + 1}`;
  const parts = result.component_es.map((value, i) => [label(i), value]);
  const errors = Object.fromEntries((result.component_standard_error?.es ?? []).map((error, i) => [label(i), error]));
  return contributions(result, 'es', 'expected shortfall', parts, errors);
}

function shares({ weights, risk_shares: risks }) {
  const names = Object.keys(weights ?? {});
  if (!names.length || !risks) return [];
  return one('Weights and risk', Levels, {
    name: 'risk-shares',
    headline: `${count(names.length)} assets`,
    rows: names.map((label) => ({ label, values: [weights[label], risks[label]] })),
    series: [
      { name: 'weight', tone: 'grey' },
      { name: 'share of the risk', tone: 'blue' },
    ],
    what: 'asset',
    format: share,
  });
}

function keyRates({ key_rates: rates, curve_dv01: whole }) {
  if (!rates?.length) return [];
  return one('Key rates', Levels, {
    name: 'key-rates',
    headline: typeof whole === 'number' ? `${short(whole)} in all` : `${count(rates.length)} rates`,
    rows: rates.map(({ time, dv01 }) => ({ label: `${short(time)} y`, values: [dv01] })),
    series: [{ name: 'loss for one basis point more', tone: 'blue' }],
    unit: 'currency lost for +1 bp',
    what: 'key rate',
  });
}

function bondScenarios({ scenarios }) {
  if (!scenarios?.length) return [];
  const worst = scenarios.reduce((low, each) => (each.change < low.change ? each : low));
  return one('Curve scenarios', Levels, {
    name: 'curve-scenarios',
    headline: `worst: ${worst.name} ${short(worst.change)}`,
    rows: scenarios.map(({ name, change }) => ({ label: name, values: [change] })),
    series: [{ name: 'change of the value', tone: 'blue' }],
    unit: 'currency',
    what: 'scenario',
  });
}

/** Points in groups by a text, each group in the order of x; what is beyond so many groups is one. */
function grouped(n, nameOf, pointOf, joined) {
  const groups = new Map();
  for (let i = 0; i < n; i += 1) {
    const point = pointOf(i);
    if (!point.every(Number.isFinite)) continue;
    const name = groups.has(nameOf(i)) || groups.size < GROUPS - 1 ? nameOf(i) : 'others';
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(point);
  }
  return [...groups].map(([name, points]) => ({ name, joined: joined && name !== 'others', points: points.sort(([a], [b]) => a - b) }));
}

function book(data, result) {
  if (!isList(result.price)) return [];
  const byStrike = isList(data.strike);
  const byMaturity = isList(data.maturity);
  const title = byStrike || !byMaturity ? 'Prices of the book' : 'Prices by maturity';
  const x = (i) => (byStrike ? data.strike[i] : byMaturity ? data.maturity[i] : i + 1);
  const nameOf = (i) => [each(data.type, i), byStrike && byMaturity ? `${short(data.maturity[i])} y` : ''].filter(Boolean).join(', ');
  const groups = grouped(result.price.length, nameOf, (i) => [x(i), result.price[i]], false);
  if (!groups.length) return [];
  const good = result.price.filter(Number.isFinite);
  return one(title, Marks, {
    name: 'book',
    headline: `${several(result.price.length, 'option')}, worth ${short(good.reduce((sum, price) => sum + price, 0), 6)} in all, one of each`,
    groups,
    nameX: byStrike ? 'strike' : byMaturity ? 'maturity (years)' : 'row',
    nameY: 'price',
    note: good.length < result.price.length ? `${several(result.price.length - good.length, 'row')} without a price.` : '',
  });
}

function smile(data, result) {
  if (!isList(result.volatility) || !isList(data.strike)) return [];
  const nameOf = (i) => `${short(each(data.maturity, i))} y`;
  const groups = grouped(result.volatility.length, nameOf, (i) => [data.strike[i], result.volatility[i]], true);
  const good = result.volatility.filter(Number.isFinite);
  if (!groups.length) return [];
  const words = `${percent(Math.min(...good), 2)} to ${percent(Math.max(...good), 2)}`;
  const bad = result.volatility.length - good.length;
  return one('Implied volatility', Marks, {
    name: 'smile',
    headline: good.length ? words : 'none',
    groups,
    nameX: 'strike',
    nameY: 'volatility',
    note: bad ? `${several(bad, 'quote')} without one: see status.` : '',
  });
}

function fit(data, result) {
  const quotes = data.quotes ?? [];
  if (!isList(result.volatilities) || quotes.length !== result.volatilities.length) return [];
  const times = [...new Set(quotes.map(({ maturity }) => maturity))].slice(0, GROUPS / 2);
  const at = (time) => quotes.map((quote, i) => ({ ...quote, i })).filter(({ maturity }) => maturity === time).sort((a, b) => a.strike - b.strike);
  const groups = times
    .flatMap((time, like) => [
      { like, name: `market ${short(time)} y`, points: at(time).filter(quoted).map((q) => [q.strike, q.volatility]) },
      { like, name: `model ${short(time)} y`, points: at(time).map((q) => [q.strike, result.volatilities[q.i]]), joined: true, bare: true },
    ])
    .filter(({ points }) => points.length);
  const priced = quotes.filter((quote) => !quoted(quote)).length;
  const left = new Set(quotes.map(({ maturity }) => maturity)).size - times.length;
  return one('Fit of the smile', Marks, {
    name: 'fit',
    headline: `${data.model}: root mean square error ${short(result.rmse, 3)}`,
    groups,
    nameX: 'strike',
    nameY: 'volatility',
    note: [
      left > 0 && `The first ${times.length} of ${times.length + left} maturities.`,
      priced > 0 && `${several(priced, 'quote')} given as a price: of ${priced === 1 ? 'it' : 'them'} only the model is drawn.`,
    ]
      .filter(Boolean)
      .join(' '),
  });
}

const quoted = ({ volatility }) => typeof volatility === 'number';

function exposure({ exposure_dates: dates, epe, ene, pfe, peak_pfe: peak }) {
  if (!isList(dates) || !isList(epe)) return [];
  const of = (values, sign = 1) => dates.map((date, i) => [date, sign * values[i]]);
  return one('Exposure', Marks, {
    name: 'exposure',
    headline: typeof peak === 'number' ? `largest potential exposure ${short(peak)}` : `${count(dates.length)} dates`,
    groups: [
      { name: 'expected positive', points: of(epe), joined: true },
      ...(isList(ene) ? [{ name: 'expected negative', points: of(ene, -1), joined: true }] : []),
      ...(isList(pfe) ? [{ name: 'potential', points: of(pfe), joined: true }] : []),
    ],
    nameX: 'years',
    nameY: 'exposure',
    zero: true,
  });
}

const several = (n, word) => `${count(n)} ${word}${n === 1 ? '' : 's'}`;
