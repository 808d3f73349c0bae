// The last fifteen minutes, minute by minute: what ended how, and how long the slowest twentieth waited.

import { useAsked } from '../shell/api.js';
import { live } from '../shell/stream.js';
import { now } from '../shell/time.js';
import { useMemo } from '../shell/ui.js';
import { FINAL } from '../shell/words.js';

const MINUTE = 60_000;
const SHOWN = 15;
const BUCKET = 1.12; // of the histograms: bucket b counts from 1.12^b to 1.12^(b+1) ms
const STACKS = [
  { name: 'succeeded', tone: 'green' },
  { name: 'failed', tone: 'red', hatched: true },
  { name: 'cancelled', tone: 'grey', hatched: true },
];

/** `{ at, stacks, ended, failed, waitP95 }`: a value a minute, the running one last. Null until the first frame. */
export function useSeries() {
  const { frame, series } = live.use();
  const minute = frame ? Math.floor(now() / MINUTE) : null;
  const ended = frame && FINAL.reduce((sum, state) => sum + (frame.states[state] || 0), 0);
  const url = () => `/minutes?since_ms=${Math.floor(now()) - (SHOWN - 1) * MINUTE}`;
  const { value } = useAsked(series && 'minutes', { url, again: `${minute} ${ended}`, pauseMs: 1000 });
  return useMemo(() => (value || series) && made(value || series, Math.floor(now() / MINUTE)), [value, series, minute]);
}

function made(series, newest) {
  const found = new Map(
    series.steps.map((step) => [Math.floor(Date.parse(step.at) / MINUTE), Object.values(step.kinds)]),
  );
  const minutes = Array.from({ length: SHOWN }, (_, n) => newest - SHOWN + 1 + n);
  const sum = (minute, name) => (found.get(minute) || []).reduce((total, kind) => total + kind[name], 0);
  const stacks = STACKS.map((stack) => ({ ...stack, values: minutes.map((minute) => sum(minute, stack.name)) }));
  return {
    at: minutes.map((minute) => minute * MINUTE),
    stacks,
    ended: minutes.map((_, n) => stacks.reduce((total, { values }) => total + values[n], 0)),
    failed: stacks[1].values,
    waitP95: minutes.map((minute) => p95(found.get(minute) || [])),
  };
}

function p95(kinds) {
  const buckets = new Map();
  for (const { waited } of kinds)
    for (const [bucket, n] of Object.entries(waited))
      buckets.set(Number(bucket), (buckets.get(Number(bucket)) || 0) + n);
  const all = [...buckets].sort(([a], [b]) => a - b);
  const n = all.reduce((total, [, some]) => total + some, 0);
  let passed = 0;
  for (const [bucket, some] of all) {
    passed += some;
    if (passed >= 0.95 * n) return BUCKET ** (bucket + 0.5);
  }
  return null;
}
