// When tasks failed: a bar for five steps of the series, of a day just an hour each.

import { useAsked } from '../shell/api.js';
import { now } from '../shell/time.js';
import { html, useModule } from '../shell/ui.js';
import { useStarts } from './starts.js';

const STEPS = 5; // of the series, which has at most 120

/** Bars over the last so many hours; `again` as for useAsked. Nothing where nothing failed. */
export function FailureTimes({ hours, again }) {
  const Bars = useModule(() => import('../pictures/bars.js'), 'Bars');
  const starts = useStarts(hours);
  const url = () => `/minutes?since_ms=${Math.floor(now() - hours * 3_600_000)}`;
  const { value, stale } = useAsked(`minutes ${hours}`, { url, again, pauseMs: 5000 });
  if (!Bars || !value || stale) return null;
  const series = joined(value);
  if (!series.stacks[0].values.some(Boolean)) return null;
  const minutes = (STEPS * value.step_s) / 60;
  return html`<section class="card" aria-label="When tasks failed"><${Bars} series=${series} name="failures-by-time" marks=${starts} height=${120}
    title=${minutes === 60 ? 'Failed by hour' : `Failed, ${minutes} minutes a bar`} /></section>`;
}

function joined({ step_s: step, since, until, steps }) {
  const wide = STEPS * step * 1000;
  const slot = (time) => Math.floor(Date.parse(time) / wide);
  const first = slot(since);
  const at = Array.from({ length: slot(until) - first + 1 }, (_, i) => (first + i) * wide);
  const values = at.map(() => 0);
  for (const each of steps)
    values[Math.max(slot(each.at) - first, 0)] += Object.values(each.kinds).reduce((sum, kind) => sum + kind.failed, 0);
  return { at, stacks: [{ name: 'failed', tone: 'red', hatched: true, values }] };
}
