// Failures, grouped by cause: same code, kind and message when its numbers and names are left out.

import { html } from '../shell/ui.js';
import { ask, useAsked, useMay } from '../shell/api.js';
import { confirm } from '../shell/dialog.js';
import { count, percent, several } from '../shell/numbers.js';
import { Choice, Empty, TaskLink, Trouble, Words } from '../shell/parts.js';
import { href, refine } from '../shell/router.js';
import { live } from '../shell/stream.js';
import { said } from './bulk.js';
import { FailureTimes } from './failure_times.js';
import { now, Time } from '../shell/time.js';
import { plural } from '../shell/words.js';

export function FailureTabs({ at }) {
  return html`<nav class="tabs" aria-label="Failures">
    <a href=${href('failures')} aria-current=${at === 'failures' ? 'page' : undefined}>By cause</a>
    <a href=${href('dead-letters')} aria-current=${at === 'dead-letters' ? 'page' : undefined}>Dead letters</a>
  </nav>`;
}

const HOURS = { '1h': 1, '6h': 6, '24h': 24 };

export default function Failures({ params }) {
  const { frame } = live.use();
  const may = useMay('operator');
  const chosen = HOURS[params.window] ? params.window : '24h';
  const since = () => Math.floor(now() - HOURS[chosen] * 3_600_000);
  const { value, error, reload } = useAsked(`failures ${chosen}`, {
    url: () => `/failures?since_ms=${since()}`,
    again: frame?.states.failed ?? null,
    pauseMs: 5000,
  });
  const { groups = [] } = value || {};
  return html`<div class="head"><h1>Failures</h1>
      ${value && html`<span class="soft">${summary(value, HOURS[chosen])}</span>`}</div>
    <${FailureTabs} at="failures" />
    <${Choice} label="How far back" options=${Object.keys(HOURS)} value=${chosen}
      names=${Object.fromEntries(Object.entries(HOURS).map(([name, h]) => [name, `${h} h`]))}
        onPick=${(w) => refine({ window: w === '24h' ? '' : w }, { replace: true })} />
    <${Trouble} error=${error} retry=${reload} />
    <${FailureTimes} hours=${HOURS[chosen]} again=${frame?.states.failed ?? null} />
    ${value && !groups.length && html`<${Empty}>No failures in the last ${HOURS[chosen]} h.<//>`}
    ${
      groups.length > 0 &&
      html`<section class="card"><div class="scroll" tabindex="0" role="region" aria-label="Failures by cause"><table
        class="rows groups">
      <caption class="hidden">Failures by cause</caption>
      <thead><tr><th scope="col" class="num">tasks</th><th scope="col">cause</th><th scope="col">kind</th><th
        scope="col">message (● stands for numbers and names)</th><th scope="col">first</th><th scope="col">last</th><th
          scope="col"><span class="hidden">actions</span></th></tr></thead>
      <tbody>${groups.map((group) => html`<${Group} key=${group.signature} group=${group} may=${may} since=${since}
        reload=${reload} />`)}</tbody>
    </table></div></section>`
    }`;
}

function summary({ failed, finished, looked_at: looked, all_looked_at: whole }, hours) {
  const share = finished ? ` (${percent(failed / finished)})` : '';
  const grouped = whole ? '' : `; grouped are those among the newest ${count(looked)}`;
  return `${count(failed)} of ${several(finished, 'task')} that ended in the last ${hours} h failed${share}${grouped}`;
}

function Group({ group, may, since, reload }) {
  const { code, kind, message, count: n, retryable, hint, task_ids: ids } = group;
  const retry = () =>
    confirm({
      title: `Retry ${count(n)} ${plural(n, 'task')}`,
      says: `Each is submitted again as a new task with the same data and seed: ${kind}, ${code}. The failed ones stay as they are.`,
      verb: `Retry ${count(n)}`,
      number: n,
      act: async () => {
        const { value } = await ask('POST', '/failures/retry', {
          signature: group.signature,
          expect_count: n,
          since_ms: since(),
        });
        reload();
        return said(value, 'retry');
      },
    });
  return html`<tr>
    <td class="num"><b>${count(n)}</b>${group.retried > 0 && html`<br /><span class="soft">
      ${count(group.retried)} retried</span>`}</td>
    <td><code>${code}</code></td>
    <td>${kind}</td>
    <td class="wide">${message}${hint && html`<br /><span class="soft"><${Words} text=${hint} /></span>`}<br /><span
      class="soft">e.g. ${ids.slice(0, 3).map((id) => html`<${TaskLink} id=${id} /> `)}</span></td>
    <td class="tight"><${Time} at=${group.first_at} /></td>
    <td class="tight"><${Time} at=${group.last_at} /></td>
    <td><div class="acts">
      ${may && html`<button class="small" disabled=${!retryable || !n}
        title=${retryable ? '' : 'The same data would fail the same way'}
          onClick=${retry}>Retry ${count(n)}${retryable ? ' …' : ''}</button>`}
      <a class="button small" href=${href('tasks', { state: 'failed', kind, error: code })}>Tasks</a></div>
    </td>
  </tr>`;
}
