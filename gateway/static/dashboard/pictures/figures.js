// Figures as pictures show them. Results themselves are shown as sent; only what is drawn is rounded here.

const SPACE = '\u202f'; // narrow, does not break
const MINUS = '\u2212';
export const TWO_SIDED_95 = 1.959963984540054; // of the normal law, as calc/numerics/normal.py has it

/** 12345.678 with so many decimals → "12 345.68"; "–" where there is none. */
export function fixed(value, decimals) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const [whole, part] = Math.abs(value).toFixed(decimals).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, SPACE);
  const text = part ? `${grouped}.${part}` : grouped;
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/** Decimals with which `value` shows so many significant figures, 0 at least and 12 at most. */
export function decimalsOf(value, significant) {
  if (!value || !Number.isFinite(value)) return 2;
  return Math.min(Math.max(significant - 1 - Math.floor(Math.log10(Math.abs(value))), 0), 12);
}

/** To so many significant figures: 0.0012346, 12 346, 1.23e-9. */
export function short(value, significant = 5) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-6 || size >= 1e15) return value.toExponential(significant - 1).replace(/\.?0+e/, 'e').replaceAll('-', MINUS);
  return trimmed(fixed(value, decimalsOf(value, significant)));
}

/** An estimate with its 95 % half width, which has three figures: "8.0669 ± 0.0475". */
export function withError(estimate, standardError) {
  if (standardError === null || standardError === undefined) return short(estimate, 6);
  const half = TWO_SIDED_95 * standardError;
  if (!(half > 0)) return short(estimate, 8);
  const decimals = decimalsOf(half, 3);
  return `${fixed(estimate, decimals)} ± ${fixed(half, decimals)}`;
}

/** 0.0123 → "1.23 %". */
export function percent(value, decimals = 2) {
  return `${fixed(value * 100, decimals)} %`;
}

function trimmed(text) {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
