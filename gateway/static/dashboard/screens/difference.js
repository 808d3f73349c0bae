// How far apart two figures are that were answered as texts.

import { figure } from '../shell/numbers.js';

export const NUMBER = /^-?\d/;

/** Second less first, of two figures as texts: in full and as a share of the first. */
export function difference(x, y) {
  if (x === undefined || y === undefined || !NUMBER.test(x) || !NUMBER.test(y)) return '–';
  if (x === y) return 'same';
  const [from, to] = [Number(x), Number(y)];
  const share = from === 0 ? '' : ` (${signed(((to - from) / Math.abs(from)) * 100, 3)}\u202f%)`;
  return to === from ? 'below a digit of a double' : `${signed(to - from, 6)}${share}`;
}

/** With its sign, to so many digits. */
export function signed(x, digits) {
  const size = Math.abs(x);
  const text = size !== 0 && (size < 1e-4 || size >= 1e9) ? size.toPrecision(digits) : figure(size, digits);
  return x === 0 ? '0' : `${x > 0 ? '+' : '−'}${text}`;
}
