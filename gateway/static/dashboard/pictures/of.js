// Which pictures a task has: by its kind, its data, and what is known of its result so far.

import { html } from '../shell/ui.js';
import { Amortisation } from './amortisation.js';
import { blackScholes } from './black_scholes.js';
import { Convergence } from './convergence.js';
import { Frontier } from './frontier.js';
import { LossDistribution } from './loss_distribution.js';
import { isOneOption, PayoffGreeks } from './payoff_greeks.js';
import { resultsOf } from './results.js';

// What a kind estimates, the closed form it can be held against, and where the result says how many it took.
const ESTIMATED = {
  option_european: { name: 'price', reference: { field: 'closed_form', text: 'closed form' } },
  option_path: { name: 'price', reference: { field: 'exact_price', text: 'closed form' } },
  option_basket: { name: 'price', reference: { field: 'exact_price', text: 'closed form' } },
  option_american: {
    name: 'price',
    reference: {
      field: 'american',
      text: 'American value',
      note: 'The price is a lower bound: what the policy that was found is worth, with exercise at some dates only.',
    },
  },
  var_mc: { name: 'var', unit: 'scenarios', reference: { field: 'parametric_var', text: 'VaR of the law' } },
  credit_loss: { name: 'es', unit: 'scenarios' },
  cva: { name: 'cva', reference: { field: 'cva_closed_form', text: 'closed form' } },
};

const SAID = { price: 'price', var: 'VaR', es: 'ES', cva: 'CVA' };

/** `task`: as GET /tasks/{id} answers it, with `data`, and `curve`: [{parts, n, estimate, standard_error}]. */
export function picturesOf(task) {
  const { kind, result, data = {} } = task;
  const found = [];
  const curve = curveOf(task);
  if (curve.length) found.push({ title: 'Convergence', view: html`<${Convergence} ...${converging(task, curve)} />` });
  if (!result) return found;
  if (result.distribution)
    found.push({ title: 'Distribution', view: html`<${LossDistribution} result=${result} data=${data} />` });
  if ((kind === 'markowitz' || kind === 'cvar_portfolio') && drawable(result)) {
    found.push({ title: 'Frontier', view: html`<${Frontier} data=${data} result=${result} />` });
  }
  if (kind === 'loan' && typeof result.by_period?.balance?.[0] === 'number') {
    found.push({ title: 'Amortisation', view: html`<${Amortisation} data=${data} result=${result} />` });
  }
  if ((kind === 'option_european' || kind === 'option_american') && isOneOption(data)) {
    found.push({ title: 'Payoff and greeks', view: html`<${PayoffGreeks} data=${data} result=${result} />` });
  }
  return [...found, ...resultsOf(task)];
}

// One portfolio, or one frontier: of a list of betas there are several, which the table of the result shows better.
function drawable(result) {
  if (!result.portfolios) return true;
  return new Set(result.portfolios.map((each) => each.beta)).size === 1;
}

/** The points as they were folded, and the result itself as the last one. */
export function curveOf(task) {
  const { kind, curve = [], result, progress } = task;
  const of = ESTIMATED[kind];
  if (!of) return [];
  const points = [...curve];
  const error = result?.standard_error?.[of.name];
  if (typeof error !== 'number' || typeof result[of.name] !== 'number') return points;
  const diagnostics = result.diagnostics ?? {};
  const last = {
    parts: progress?.done ?? progress?.parts ?? 1,
    n: diagnostics.paths ?? diagnostics.scenarios ?? null,
    estimate: result[of.name],
    standard_error: error,
  };
  return [...points.filter((point) => point.parts < last.parts), last];
}

function converging(task, curve) {
  const { kind, result, data = {}, state } = task;
  const of = ESTIMATED[kind];
  const live = state === 'running' || state === 'queued';
  const target = typeof data.target_standard_error === 'number' ? data.target_standard_error : null;
  return {
    curve,
    reference: referenceOf(of, kind, result, data),
    target,
    name: SAID[of.name],
    unit: of.unit ?? 'paths',
    live,
    ranMs: task.ran_ms ?? null,
  };
}

// What the result says; while there is none, of a plain European option what Black and Scholes say.
function referenceOf(of, kind, result, data) {
  if (!of.reference) return null;
  const told = result?.[of.reference.field];
  if (typeof told === 'number') return { ...of.reference, value: told };
  const plain = kind === 'option_european' && ['black_scholes', 'black76', undefined].includes(data.model);
  if (result || !plain || !isOneOption(data) || typeof data.volatility !== 'number') return null;
  return { ...of.reference, value: blackScholes(data).price };
}
