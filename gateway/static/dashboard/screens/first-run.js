// The first thing that a newcomer sees: nothing has been calculated yet, and one button that changes this.

import { html, useState } from '../shell/ui.js';
import { ask, useMay } from '../shell/api.js';
import { Copy, Trouble } from '../shell/parts.js';
import { count } from '../shell/numbers.js';
import { href } from '../shell/router.js';

const option = (strike, type, paths) => ({
  kind: 'option_european', label: `${type} ${strike}`,
  data: { type, spot: 100, strike, maturity: 1, rate: 0.03, volatility: 0.2, paths, seed: strike },
});
const saving = (rate) => ({ kind: 'compound_interest', label: `${rate} %`, data: { amount: 10_000, rate: rate / 100, years: 20 } });
const loan = (years) => ({ kind: 'loan', label: `${years} years`, data: { principal: 250_000, rate: 0.04, months: years * 12 } });
const risk = (seed) => ({
  kind: 'var_mc', label: `demo book ${seed}`, priority: 'low',
  data: { weights: [0.5, 0.3, 0.2], mean: [0.0003, 0.0002, 0.0004], covariance: [[0.0004, 0.0001, 0.00005], [0.0001, 0.0003, 0.00008], [0.00005, 0.00008, 0.0006]], value: 1_000_000, scenarios: 2_000_000, seed },
});

/** Forty tasks of four kinds: quick ones, and some whose estimates can be watched as they narrow. */
export const DEMO = [
  option(105, 'call', 40_000_000),
  ...Array.from({ length: 5 }, (_, n) => risk(n + 1)),
  ...Array.from({ length: 14 }, (_, n) => option(85 + 2 * n, n % 2 ? 'put' : 'call', 1_000_000)),
  ...Array.from({ length: 10 }, (_, n) => saving(n + 1)),
  ...Array.from({ length: 10 }, (_, n) => loan(5 + 3 * n)),
];

const LINES = DEMO.map((task) => JSON.stringify(task)).join('\n');
const curl = () => `curl -X POST "${location.origin}/tasks/batch?label=demo" -H "Content-Type: application/x-ndjson" --data-binary @- <<'LINES'\n${LINES}\nLINES`;

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
    <p>The demo submits ${count(DEMO.length)} tasks of four kinds; most end within seconds, the largest can be watched as its estimate narrows.</p>
    <p class="buttons start">
      ${may && html`<button class="primary" onClick=${run} disabled=${state.busy}>${state.busy ? 'Submitting …' : 'Run the demo'}</button>`}
      <a class="button" href=${href('try')}>Try one calculation</a>
      <${Copy} text=${curl} label="Copy the same as curl" />
    </p>
    ${state.batch && html`<p role="status">✔ ${count(state.batch.accepted)} accepted: <a href=${href('batch', { id: state.batch.batch_id })}>the batch</a></p>`}
    <${Trouble} error=${state.error} />
  </section>`;
}
