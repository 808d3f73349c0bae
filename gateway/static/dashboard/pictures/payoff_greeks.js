// An option over the price of its underlying: what it pays, what it is worth today, and its greeks on a map.

import { percent } from '../shell/numbers.js';
import { html, useMemo, useState } from '../shell/ui.js';
import { Axes, line, nearest, plane } from './axes.js';
import { blackScholes } from './black_scholes.js';
import { short, withError } from './figures.js';
import { Picture } from './frame.js';
import { HeatMap } from './heat_map.js';
import { extent } from './scale.js';
import { useWidth } from './theme.js';

const POINTS = 101;
const COLUMNS_ASIDE = 6;
const GREEKS = ['price', 'delta', 'gamma', 'vega', 'theta'];

/** `data`, `result`: of one vanilla option (option_european, option_american). Curves where Black and Scholes hold. */
export function PayoffGreeks({ data, result }) {
  return html`<${Payoff} data=${data} result=${result} />
    ${hasCurve(data) ? html`<${GreeksMap} data=${data} />` : null}`;
}

/** Whether the picture can be drawn: one option, not a book. */
export function isOneOption(data) {
  return [data.strike, data.maturity, data.spot ?? data.forward].every((each) => typeof each === 'number');
}

const hasCurve = (data) =>
  ['black_scholes', 'black76', undefined].includes(data.model) && typeof data.volatility === 'number';

const underlying = (data) => (typeof data.forward === 'number' ? 'forward' : 'spot');

function Payoff({ data, result }) {
  const [room, width] = useWidth();
  const [picked, setPicked] = useState(null);
  const name = underlying(data);
  const rows = useMemo(() => curve(data, name), [data]);
  const here = data[name];
  const even = breakEven(data, result.price);
  const values = rows.flatMap((row) => [row.payoff, row.today]).filter(Number.isFinite);
  const [low, high] = extent([...values, result.price]);
  const of = plane({
    width,
    height: 290,
    x: [rows[0].at, rows[rows.length - 1].at],
    y: [Math.min(low, 0), high * 1.08],
  });
  const european = result.european ?? null;
  return html`<${Picture}
    title="Payoff and value"
    headline=${`${data.type} worth ${withError(result.price, result.standard_error?.price)} at ${name} ${short(here, 8)}`}
    name="payoff"
    legend=${[
      { shape: 'line', tone: 'ink', text: 'pays at expiry' },
      ...(hasCurve(data)
        ? [
            {
              shape: 'dash',
              tone: 'blue',
              text: european === null ? 'worth today (closed form)' : 'worth today if European (closed form)',
            },
          ]
        : []),
      { shape: 'dot', tone: 'red', text: 'price of this task' },
      { shape: 'diamond', tone: 'amber', text: `break-even ${short(even, 7)}` },
    ]}
    note=${picked === null ? '' : said(rows[picked], name)}
    table=${{ columns: [name, 'pays at expiry', ...(hasCurve(data) ? ['worth today'] : [])], rows: rows.map((row) => [row.at, row.payoff, ...(hasCurve(data) ? [row.today] : [])]) }}
  >
    <div ref=${room}>
      <svg
        viewBox="0 0 ${width} 290"
        width=${width}
        height="290"
        onPointerMove=${(event) =>
          setPicked(
            nearest(
              of,
              event,
              rows.map((row) => [row.at, 0]),
            ),
          )}
        onPointerLeave=${() => setPicked(null)}
      >
        <${Axes} of=${of} nameX=${name} nameY="value" />
        <path class="stroke dash fine tone-grey" d="M${of.x(data.strike)} ${of.y.range[0]}V${of.y.range[1]}" />
        <text class="mark-name" x=${of.x(data.strike) + 5} y=${of.y.range[1] + 10}>
          strike ${short(data.strike, 8)}
        </text>
        <path
          class="stroke wide tone-ink"
          data-curve="payoff"
          d=${line(
            of,
            rows.map((row) => [row.at, row.payoff]),
          )}
        />
        ${
          hasCurve(data)
            ? html`<path
                class="stroke wide dash tone-blue"
                data-curve="today"
                d=${line(
                  of,
                  rows.map((row) => [row.at, row.today]),
                )}
              />`
            : null
        }
        ${inRange(of, even) ? html`<path class="fill tone-amber" d="M${of.x(even)} ${of.y(0) - 7}l7 7l-7 7l-7 -7Z" />` : null}
        <circle class="fill tone-red" data-price cx=${of.x(here)} cy=${of.y(result.price)} r="5" />
        ${picked === null ? null : html`<path class="stroke fine tone-grey" d="M${of.x(rows[picked].at)} ${of.y.range[0]}V${of.y.range[1]}" />`}
      </svg>
    </div>
  <//>`;
}

const inRange = (of, value) => value >= of.x.domain[0] && value <= of.x.domain[1];

function curve(data, name) {
  const [low, high] = spots(data, name);
  const sign = data.type === 'call' ? 1 : -1;
  return Array.from({ length: POINTS }, (_, i) => {
    const at = low + ((high - low) * i) / (POINTS - 1);
    return {
      at,
      payoff: Math.max(sign * (at - data.strike), 0),
      today: hasCurve(data) ? blackScholes({ ...data, [name]: at }).price : null,
    };
  });
}

// Three deviations around the spot, and the strike inside.
function spots(data, name) {
  const here = data[name];
  const spread = Math.min(Math.max((data.volatility ?? 0.2) * Math.sqrt(data.maturity) * 2.5, 0.15), 0.9);
  return [Math.min(here * (1 - spread), data.strike * 0.9), Math.max(here * (1 + spread), data.strike * 1.1)];
}

function breakEven(data, price) {
  return data.type === 'call' ? data.strike + price : data.strike - price;
}

function said(row, name) {
  const today = Number.isFinite(row.today) ? `, worth ${short(row.today, 6)} today` : '';
  return `At ${name} ${short(row.at, 6)}: pays ${short(row.payoff, 6)} at expiry${today}`;
}

function GreeksMap({ data }) {
  const [greek, setGreek] = useState('delta');
  const name = underlying(data);
  const grid = useMemo(() => gridOf(data, name, greek), [data, greek]);
  const here = blackScholes(data)[greek];
  const tools = html`<span role="group" aria-label="Shown">
    ${GREEKS.map((each) => html`<button type="button" aria-pressed=${each === greek} onClick=${() => setGreek(each)}>${each}</button>`)}
  </span>`;
  return html`<${HeatMap}
    title=${`${greek} by ${name} and volatility`}
    headline=${`${greek} ${short(here, 6)} at ${name} ${short(data[name], 8)} and volatility ${percent(data.volatility, 2)}`}
    name=${`greeks-${greek}`}
    tools=${tools}
    nameX=${name}
    nameY="volatility"
    formatX=${(value) => short(value, 4)}
    formatY=${(value) => percent(value, 1)}
    value=${greek}
    note="Closed form of Black and Scholes, worked out in this page; the framed cell is this task."
    ...${grid}
  />`;
}

/** Columns of spots, rows of volatilities, and what the greek is there; the task's own is the cell in the middle. */
function gridOf(data, name, greek) {
  const here = data[name];
  const [low, high] = spots(data, name);
  const step = Math.min(Math.max(here - low, high - here), here * 0.95) / COLUMNS_ASIDE;
  const xs = Array.from({ length: 2 * COLUMNS_ASIDE + 1 }, (_, i) => here + (i - COLUMNS_ASIDE) * step);
  const middle = Math.max(data.volatility, 0.01);
  const ys = Array.from({ length: 9 }, (_, i) => middle * (1 + 0.15 * (i - 4)));
  const values = ys.map((volatility) => xs.map((at) => blackScholes({ ...data, [name]: at, volatility })[greek]));
  return { xs, ys, values, mark: { row: 4, column: COLUMNS_ASIDE } };
}
