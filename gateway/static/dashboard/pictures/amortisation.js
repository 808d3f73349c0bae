// A loan paid off: what of each payment is interest and what is principal, and what is still owed.

import { count } from '../shell/numbers.js';
import { html, useMemo, useState } from '../shell/ui.js';
import { Axes, line, nearest, plane } from './axes.js';
import { fixed } from './figures.js';
import { Picture } from './frame.js';
import { useWidth } from './theme.js';

/** `result`: of a loan's schedule, one contract. `data`: whether its rows are months. */
export function Amortisation({ data = {}, result }) {
  const [room, width] = useWidth();
  const [yearly, setYearly] = useState(false);
  const [picked, setPicked] = useState(null);
  const rows = useMemo(() => rowsOf(result.by_period), [result]);
  const perYear = perYearOf(data);
  const shown = useMemo(() => (yearly && perYear ? byYear(rows, perYear) : rows), [rows, yearly, perYear]);
  const unit = yearly && perYear ? 'year' : 'payment';
  const last = shown[shown.length - 1];
  const lowest = Math.min(0, ...shown.map((row) => Math.min(row.interest, row.principal)));
  const top = plane({
    width,
    height: 220,
    x: [shown[0].at - 0.5, last.at + 0.5],
    y: [lowest, Math.max(...shown.map((row) => row.payment)) * 1.08],
    bottom: 28,
  });
  const bottom = plane({
    width,
    height: 170,
    x: [shown[0].at - 0.5, last.at + 0.5],
    y: [Math.min(0, last.balance), Math.max(...shown.map((row) => row.balance)) * 1.05],
  });
  const hover = (event) =>
    setPicked(
      nearest(
        top,
        event,
        shown.map((row) => [row.at, 0]),
      ),
    );
  return html`<${Picture}
    title="Amortisation"
    headline=${headline(result)}
    name="amortisation"
    tools=${perYear ? html`<${Switch} yearly=${yearly} setYearly=${setYearly} />` : null}
    legend=${[
      { shape: 'hatch', tone: 'amber', text: 'interest' },
      { shape: 'box', tone: 'blue', text: 'principal' },
      { shape: 'line', tone: 'ink', text: 'still owed' },
    ]}
    note=${picked === null || !shown[picked] ? note(result, rows) : said(shown[picked], unit)}
    table=${{
      decimals: [0, 2, 2, 2, 2],
      columns: [unit === 'year' ? 'year' : 'number', 'payment', 'interest', 'principal', 'balance'],
      rows: shown.map((row) => [row.at, row.payment, row.interest, row.principal, row.balance]),
    }}
    open
  >
    <div ref=${room} onPointerLeave=${() => setPicked(null)}>
      <svg viewBox="0 0 ${width} 220" width=${width} height="220" onPointerMove=${hover}>
        <defs>
          <pattern
            id="picture-interest"
            width="6"
            height="6"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect class="fill tone-band" width="6" height="6" />
            <path class="stroke tone-amber" d="M0 0V6" />
          </pattern>
        </defs>
        <${Axes} of=${top} nameX="" nameY=${`paid a ${unit}`} formatX=${whole} />
        ${shown.map((row) => html`<${Bar} of=${top} row=${row} picked=${shown[picked] === row} />`)}
      </svg>
      <svg viewBox="0 0 ${width} 170" width=${width} height="170" onPointerMove=${hover}>
        <${Axes} of=${bottom} nameX=${unit} nameY="still owed" formatX=${whole} />
        <path
          class="stroke wide tone-ink"
          data-balance
          d=${line(
            bottom,
            shown.map((row) => [row.at, row.balance]),
          )}
        />
        ${picked === null || !shown[picked] ? null : html`<circle class="fill tone-ink" cx=${bottom.x(shown[picked].at)} cy=${bottom.y(shown[picked].balance)} r="4" />`}
      </svg>
    </div>
  <//>`;
}

const whole = (value) => (Number.isInteger(value) ? String(value) : '');

function rowsOf({ period, payment, interest, principal, balance }) {
  return period.map((at, i) => ({
    at,
    payment: payment[i],
    interest: interest[i],
    principal: principal[i],
    balance: balance[i],
  }));
}

// Periods a year are known where the loan was told in months.
function perYearOf(data) {
  return data.term_months === undefined && data.rate === undefined ? null : 12;
}

function byYear(rows, perYear) {
  const years = new Map();
  for (const row of rows) {
    const at = Math.ceil(row.at / perYear);
    const year = years.get(at) ?? { at, payment: 0, interest: 0, principal: 0, balance: 0 };
    for (const name of ['payment', 'interest', 'principal']) year[name] += row[name];
    year.balance = row.balance;
    years.set(at, year);
  }
  return [...years.values()];
}

function Bar({ of, row, picked }) {
  const left = of.x(row.at - 0.5);
  const wide = of.x(row.at + 0.5) - left;
  const gap = wide > 4 ? 1 : 0;
  const box = (from, to, paint, name) =>
    html`<rect
      ...${paint}
      data-bar=${name}
      x=${left + gap / 2}
      y=${Math.min(of.y(to), of.y(from))}
      width=${Math.max(wide - gap, 0.3)}
      height=${Math.abs(of.y(from) - of.y(to))}
    />`;
  return html`<g class=${picked ? 'picked' : ''}>
    ${box(0, row.principal, { class: 'fill tone-blue' }, 'principal')}
    ${box(Math.max(row.principal, 0), Math.max(row.principal, 0) + row.interest, { fill: 'url(#picture-interest)' }, 'interest')}
  </g>`;
}

function Switch({ yearly, setYearly }) {
  const choice = (value, text) =>
    html`<button type="button" aria-pressed=${yearly === value} onClick=${() => setYearly(value)}>${text}</button>`;
  return html`<span role="group" aria-label="Bars">${choice(false, 'per payment')}${choice(true, 'per year')}</span>`;
}

function headline(result) {
  return `${money(result.payment)} a payment, ${money(result.total_interest)} interest in all`;
}

const money = (value) => fixed(value, 2);

function said(row, unit) {
  return `${unit} ${count(row.at)}: ${money(row.payment)} paid, ${money(row.interest)} interest, ${money(row.principal)} principal, ${money(row.balance)} still owed`;
}

function note(result, rows) {
  const last = rows[rows.length - 1];
  const sums = `In all ${money(result.interest_sum)} interest and ${money(result.principal_sum)} principal.`;
  const rounded =
    result.diagnostics.conventions.rounding !== 'none' &&
    result.final_payment !== null &&
    result.final_payment !== undefined;
  const rest =
    rounded && result.final_payment !== result.payment
      ? ` The last payment, ${money(result.final_payment)}, takes what rounding left.`
      : '';
  return `${sums}${rest} After payment ${count(last.at)}: ${money(last.balance)} owed.`;
}
