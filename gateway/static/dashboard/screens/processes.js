// What each process computes: the picture of the last seconds. Used by Now and Workers.

import { live, setSpans, spans } from '../shell/stream.js';
import { useAsked } from '../shell/api.js';
import { Choice, Empty } from '../shell/parts.js';
import { go, place, refine } from '../shell/router.js';
import { now } from '../shell/time.js';
import { html, useEffect, useModule, useRef } from '../shell/ui.js';

const WINDOWS = { '15s': 15_000, '60s': 60_000, '5min': 300_000, '30min': 1_800_000 };
const NAMES = { '15s': '15 s', '60s': '1 min', '5min': '5 min', '30min': '30 min' };
const AGAIN_MS = 10_000;
const MOST = 5000; // bars in one answer

export function NoConsumer() {
  return html`<${Empty}>
    No consumer has said that it lives. <code>make up</code> starts three, <code>python -m consumer</code> one.
  <//>`;
}

/**
 * The Gantt of the last seconds. What ended before one came is fetched, what ends then comes with the frames; where they
 * had to leave jobs out, for there were hundreds a second, all is fetched again after a while.
 */
export function Processes({ frame }) {
  const Gantt = useModule(() => import('../pictures/gantt.js'), 'Gantt');
  const { window: asked } = place.use().params;
  const { status } = live.use();
  const chosen = WINDOWS[asked] ? asked : '60s';
  const width = WINDOWS[chosen];
  const left = useRef(0);
  if (frame?.spans_left_out) left.current = Math.ceil(now() / AGAIN_MS);
  const url = () => `/spans?since_ms=${Math.floor(now()) - width}&limit=${MOST}`;
  const again = `${status === 'live'} ${left.current}`;
  const { value, error } = useAsked(frame && `spans ${chosen}`, { url, again, pauseMs: AGAIN_MS });
  useEffect(() => value && setSpans(value.spans, value.until_ms), [value]);
  const all = spans.use();
  const to = now();
  const shown = all.filter((each) => each.to_ms >= to - width);
  const pick = (w) => refine({ window: w === '60s' ? '' : w }, { replace: true });
  return html`<section class="card processes" aria-label="Processes">
    <${Choice} label="How far back" options=${Object.keys(WINDOWS)} names=${NAMES} value=${chosen} onPick=${pick} />
    ${frame && !frame.workers.length && html`<${NoConsumer} />`}
    ${Gantt && frame && frame.workers.length > 0 && html`<${Gantt} spans=${shown} workers=${frame.workers}
      from=${to - width} to=${to} merged=${value?.merged || 0} onPick=${(id) => id && go('task', { id })} />`}
    ${error && html`<p class="soft under">What ended before could not be read: ${error.message}</p>`}
  </section>`;
}
