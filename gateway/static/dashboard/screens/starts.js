// When consumers and gateways began, and with which version: marks over the minutes and over the failures.

import { useAsked } from '../shell/api.js';
import { live } from '../shell/stream.js';
import { now } from '../shell/time.js';
import { useMemo } from '../shell/ui.js';

/** Marks of the last `hours`: `[{ at, text }]`, asked for when another process is there, and each minute. */
export function useStarts(hours) {
  const { frame } = live.use();
  const minute = frame ? Math.floor(now() / 60_000) : null;
  const there = frame && frame.workers.map((worker) => worker.name).join(' ');
  const { value, stale } = useAsked(`starts ${hours}`, {
    url: () => `/starts?since_ms=${Math.floor(now() - hours * 3_600_000)}`,
    again: `${minute} ${there}`,
    pauseMs: 3000,
  });
  return useMemo(() => (value && !stale ? value.marks.map(({ at, text }) => ({ at: Date.parse(at), text })) : []), [value, stale]);
}
