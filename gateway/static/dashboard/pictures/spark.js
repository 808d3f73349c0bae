// A line as small as a word: how a figure went, its last value standing in words beside it.

import { html } from '../shell/ui.js';
import { short } from './figures.js';
import { extent } from './scale.js';
import { round } from './axes.js';

const WIDE = 96;
const HIGH = 22;

/** `values`: oldest first, null where nothing is known; `label` says what they are, also for screen readers. */
export function Spark({ values, label }) {
  const found = extent(values);
  if (!found)
    return html`<svg
      class="spark"
      role="img"
      aria-label=${`${label}: nothing known yet`}
      width=${WIDE}
      height=${HIGH}
    ></svg>`;
  const [low, high] = [Math.min(found[0], 0), found[1]];
  const x = (i) => 2 + (i / Math.max(values.length - 1, 1)) * (WIDE - 6);
  const y = (value) => HIGH - 3 - ((value - low) / (high - low || 1)) * (HIGH - 6);
  let path = '';
  values.forEach((value, i) => {
    if (Number.isFinite(value))
      path += `${Number.isFinite(values[i - 1]) ? 'L' : 'M'}${round(x(i))} ${round(y(value))}`;
  });
  const last = values.findLastIndex(Number.isFinite);
  return html`<svg
    class="spark"
    role="img"
    aria-label=${`${label}: last ${short(values[last], 3)}, most ${short(high, 3)}`}
    viewBox="0 0 ${WIDE} ${HIGH}"
    width=${WIDE}
    height=${HIGH}
  >
    <title>${label}</title>
    <path class="stroke thin tone-blue" d=${path} />
    <circle class="fill tone-blue" cx=${x(last)} cy=${y(values[last])} r="2.5" />
  </svg>`;
}
