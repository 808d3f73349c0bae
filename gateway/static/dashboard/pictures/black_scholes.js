// Black and Scholes in the page, for the curves of a picture: prices and greeks at many spots without asking anybody.
// The figures of a task are the service's; a test compares these with them on a grid.

const SERIES_BELOW = 3;

/** Φ(x) to about 1e-15: a series near 0, Lentz's continued fraction in the tails. */
export function normalCdf(x) {
  const size = Math.abs(x);
  if (size > 38) return x > 0 ? 1 : 0;
  if (size < SERIES_BELOW) {
    let term = x;
    let sum = x;
    for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(sum); k++) {
      term *= (x * x) / (2 * k + 1);
      sum += term;
    }
    return 0.5 + sum * normalPdf(x);
  }
  let fraction = size;
  for (let k = 60; k > 0; k--) fraction = size + k / fraction;
  const tail = normalPdf(size) / fraction;
  return x > 0 ? 1 - tail : tail;
}

export const normalPdf = (x) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

/**
 * Price and greeks of a European option as option_european means them: raw derivatives, theta a year.
 * `terms`: {type, spot, strike, maturity, rate, dividend_yield, volatility}; with `forward` in place of spot it is Black
 * 76, and delta and gamma are in the forward.
 */
export function blackScholes(terms) {
  const { type, strike, maturity: t, rate, volatility } = terms;
  const future = terms.forward !== undefined && terms.forward !== null;
  const spot = future ? terms.forward : terms.spot;
  const yields = future ? rate : (terms.dividend_yield ?? 0);
  const sign = type === 'call' ? 1 : -1;
  const [discount, carried] = [Math.exp(-rate * t), Math.exp(-yields * t)];
  const spread = volatility * Math.sqrt(t);
  if (!(spread > 0)) {
    const forward = spot * carried - strike * discount;
    return {
      price: Math.max(sign * forward, 0),
      delta: sign * forward > 0 ? sign * carried : 0,
      gamma: 0,
      vega: 0,
      theta: null,
      rho: null,
    };
  }
  const d1 = (Math.log(spot / strike) + (rate - yields + 0.5 * volatility * volatility) * t) / spread;
  const d2 = d1 - spread;
  const [n1, n2] = [normalCdf(sign * d1), normalCdf(sign * d2)];
  const price = sign * (spot * carried * n1 - strike * discount * n2);
  const density = carried * normalPdf(d1);
  return {
    price,
    delta: sign * carried * n1,
    gamma: density / (spot * spread),
    vega: spot * density * Math.sqrt(t),
    theta:
      (-spot * density * volatility) / (2 * Math.sqrt(t)) +
      sign * (yields * spot * carried * n1 - rate * strike * discount * n2),
    rho: future ? -t * price : sign * t * strike * discount * n2,
  };
}
