// The first thing that a newcomer sees: nothing has been calculated yet, and one button that changes this.

import { html, useState } from '../shell/ui.js';
import { ask, useMay } from '../shell/api.js';
import { Copy, Trouble } from '../shell/parts.js';
import { count } from '../shell/numbers.js';
import { href } from '../shell/router.js';

const option = (strike, type, paths, more = {}) => ({
  kind: 'option_european',
  label: `${type} ${strike}`,
  data: { type, spot: 100, strike, maturity: 1, rate: 0.03, volatility: 0.2, paths, seed: strike, ...more },
});
const saving = (percent) => ({
  kind: 'compound_interest',
  label: `${percent} %`,
  data: { amount: 10_000, rate: percent / 100, years: 20 },
});
const loan = (years) => ({
  kind: 'loan',
  label: `${years} years`,
  data: { task: 'schedule', principal: 250_000, rate_per_period: 0.003, periods: years * 12 },
});
const risk = (seed) => ({
  kind: 'var_mc',
  label: `book ${seed}`,
  priority: 'low',
  data: {
    positions: [
      { symbol: 'AAPL', value: 20_000 * seed },
      { symbol: 'MSFT', value: 20_500 },
      { symbol: 'XOM', value: -15_000 },
    ],
    volatilities: { AAPL: 0.28, MSFT: 0.25, XOM: 0.3 },
    correlation: { 'AAPL/MSFT': 0.65, 'AAPL/XOM': 0.2, 'MSFT/XOM': 0.15 },
    days_per_year: 252,
    confidence: 0.99,
    horizon_days: 10,
    scenarios: 8_000_000,
    seed,
  },
});
const portfolio = (most) => ({
  kind: 'markowitz',
  label: `at most ${most * 100} % in risky assets`,
  data: {
    objective: 'target_return',
    target_return: 0.06,
    groups: [{ name: 'risky', assets: ['equities', 'property'], most }],
    assets: ['equities', 'bonds', 'gold', 'property'],
    mean: [0.07, 0.03, 0.04, 0.055],
    volatility: [0.16, 0.05, 0.15, 0.12],
    correlation: [
      [1, 0.1, 0.05, 0.6],
      [0.1, 1, 0.2, 0.15],
      [0.05, 0.2, 1, 0.1],
      [0.6, 0.15, 0.1, 1],
    ],
    bounds: [0, 0.5],
  },
});

/** Forty tasks of five kinds: quick ones, some whose estimates can be watched, and a portfolio that cannot be. */
export const DEMO = [
  option(105, 'call', 1_000_000_000, { target_standard_error: 1e-5 }), // with a target it is folded part by part
  ...Array.from({ length: 4 }, (_, n) => risk(n + 1)),
  ...Array.from({ length: 14 }, (_, n) => option(85 + 2 * n, n % 2 ? 'put' : 'call', 4_000_000)),
  ...Array.from({ length: 10 }, (_, n) => saving(n + 1)),
  ...Array.from({ length: 9 }, (_, n) => loan(5 + 3 * n)),
  portfolio(0.95),
  portfolio(0.2),
];

const LINES = DEMO.map((task) => JSON.stringify(task)).join('\n');
const curl = () =>
  [
    `curl -X POST "${location.origin}/tasks/batch?label=demo" -H "Content-Type: application/x-ndjson" \\`,
    `  --data-binary @- <<'LINES'\n${LINES}\nLINES`,
  ].join('\n');

const SAYS = 'Most end within seconds, the largest can be watched as its estimate narrows, and one fails on purpose.';

export function FirstRun() {
  const may = useMay('submitter');
  const [state, set] = useState({ busy: false, error: null, batch: null });
  const run = async () => {
    set({ busy: true, error: null, batch: null });
    try {
      const { value } = await ask('POST', '/tasks/batch?label=demo', DEMO);
      set({ busy: false, error: null, batch: value });
    } catch (error) {
      set({ busy: false, error, batch: null });
    }
  };
  return html`<section class="card first" aria-labelledby="first">
    <h1 id="first">Nothing has been calculated yet.</h1>
    <p>The demo submits ${count(DEMO.length)} tasks of five kinds. ${SAYS}</p>
    <p class="buttons start">
      ${may && html`<button class="primary" onClick=${run} disabled=${state.busy}>
        ${state.busy ? 'Submitting …' : 'Run the demo'}</button>`}
      <a class="button" href=${href('try')}>Try one calculation</a>
      <${Copy} text=${curl} label="Copy the same as curl" />
    </p>
    ${state.batch && html`<p role="status">✔ ${count(state.batch.accepted)} accepted: <a
      href=${href('batch', { id: state.batch.batch_id })}>the batch</a></p>`}
    <${Trouble} error=${state.error} />
  </section>`;
}
