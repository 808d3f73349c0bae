// System: the store, the processes, the settings, and what looking costs.

import { caller, useAsked, useMay } from '../shell/api.js';
import { count, figure, size, skew, span } from '../shell/numbers.js';
import { Copy, Facts, Figure, Table, Trouble } from '../shell/parts.js';
import { signOut } from '../shell/sign-in.js';
import { live } from '../shell/stream.js';
import { Time } from '../shell/time.js';
import { html } from '../shell/ui.js';
import { byWhom } from '../shell/words.js';

export default function System() {
  const { at } = live.use();
  const { value, text, error, reload } = useAsked('/system', { again: Math.floor(at / 5000), pauseMs: 5000 });
  return html`<div class="head"><h1>System</h1>
      ${value && html`<span class="soft">as of <${Time} at=${value.at} /></span><span class="right"><${Copy}
        text=${() => text} label="Copy all as JSON" /><${Leave} /></span>`}</div>
    <${Trouble} error=${error} retry=${reload} />
    ${value && html`<${Store} store=${value.store} /><${Cost} system=${value} /><${Processes} system=${value} />
      <${Audit} at=${at} /><${Settings} settings=${value.settings} />`}`;
}

function Leave() {
  const { name, role, keys } = caller.use();
  return html`${name && html`<span class="soft">${byWhom(name) || 'no key is needed'}, ${role}</span>`}${keys && html`<button class="small"
    onClick=${signOut}>Sign out</button>`}`;
}

function Store({ store }) {
  const full = store.limit_bytes ? store.used_bytes / store.limit_bytes : null;
  return html`<section class="card" aria-labelledby="store">
    <h2 id="store">Store</h2>
    ${store.warnings.map((warning) => html`<p class="banner warn">${warning}</p>`)}
    <${Facts}
      facts=${[
        ['server', `${store.server} ${store.version}`],
        ['up for', span(store.uptime_s * 1000)],
        [
          'memory',
          `${size(store.used_bytes)}${full === null ? ', no limit set' : ` of ${size(store.limit_bytes)} (${figure(full * 100)} %)`}`,
        ],
        ['when it is full', store.policy],
        ['append-only file', store.appendonly && `${store.appendonly}, fsync ${store.appendfsync}`],
        ['last write to disk', store.last_write_ok ? '✔ done' : html`<b class="state failed">✖ failed</b>`],
        ['keys', count(store.keys)],
        ['evicted keys', count(store.evicted)],
        ['commands', `${count(store.commands_per_s)} /s`],
        ['connections', `${count(store.clients)}, ${count(store.blocked_clients)} waiting for work`],
        ['slow commands', count(store.slow_commands)],
      ]}
    />
  </section>`;
}

function Cost({ system }) {
  const { cost, states } = system;
  return html`<div class="cards">
    <${Figure} label="Tasks on record" value=${count(Object.values(states).reduce((sum, n) => sum + n, 0))}
      under="of all states, until their time is over" />
    <${Figure} label="Tabs that look" value=${count(cost.listeners)} under="one stream each" />
    <${Figure} label="Their cost to the store" value=${figure(cost.commands_per_s)} unit="commands/s"
      under="the same for one tab and for fifty" />
  </div>`;
}

const GATEWAYS = [
  { name: 'gateway', of: (g) => g.name },
  { name: 'host', of: (g) => g.host },
  { name: 'version', of: (g) => g.version },
  { name: 'since', of: (g) => html`<${Time} at=${g.started_at} />`, className: 'tight' },
  { name: 'clock', of: (g) => skew(g.skew_ms), num: true },
  { name: 'heard', of: (g) => `${span(g.told_ms_ago)} ago`, num: true },
  { name: 'tabs', of: (g) => count(g.cost.listeners), num: true },
  { name: 'pid', of: (g) => String(g.pid), num: true },
];

const CONSUMERS = [
  { name: 'consumer', of: (c) => c.name },
  { name: 'host', of: (c) => c.host },
  { name: 'version', of: (c) => c.version },
  { name: 'since', of: (c) => html`<${Time} at=${c.started_at} />`, className: 'tight' },
  { name: 'clock', of: (c) => skew(c.skew_ms), num: true },
  { name: 'heard', of: (c) => `${span(c.beat_ms_ago)} ago`, num: true },
  { name: 'processes', of: (c) => count(c.children.length), num: true },
  { name: 'pid', of: (c) => String(c.pid), num: true },
];

function Processes({ system }) {
  return html`<section class="card" aria-labelledby="gateways">
      <h2 id="gateways">Gateways</h2>
      <${Table} caption="Gateways" columns=${GATEWAYS} rows=${system.gateways} keyOf=${(g) => g.name} />
    </section>
    <section class="card" aria-labelledby="consumers">
      <h2 id="consumers">Consumers</h2>
      <${Table} caption="Consumers" columns=${CONSUMERS} rows=${system.consumers} keyOf=${(c) => c.name} empty=${html`<p
        class="soft">None lives.</p>`} />
    </section>`;
}

const ACTS = [
  { name: 'when', of: (act) => html`<${Time} at=${act.at} />`, className: 'tight' },
  { name: 'who', of: (act) => byWhom(act.by) || 'no key was needed', className: 'tight' },
  { name: 'did what', of: (act) => act.text, className: 'wide' },
  { name: 'request', of: (act) => html`<code>${act.request_id || '–'}</code>`, className: 'tight' },
];

/** What people did, for admins; who sees one owner alone is told that, and no more. */
function Audit({ at }) {
  const may = useMay('admin');
  const { value, error, reload } = useAsked(may && '/audit', { again: Math.floor(at / 5000), pauseMs: 5000 });
  if (!may) return null;
  return html`<section class="card" aria-labelledby="audit">
    <h2 id="audit">Who did what</h2>
    ${error && (error.status === 403 ? html`<p class="soft">${error.message}</p>` : html`<${Trouble} error=${error} retry=${reload} />`)}
    ${
      value &&
      html`<p class="soft">${reach(value)}</p>
      <${Table} caption="What people did, the last first" columns=${ACTS} rows=${value.acts}
        keyOf=${(act) => `${act.at} ${act.request_id} ${act.text}`} empty=${html`<p class="soft">Nobody has done anything yet.</p>`} />`
    }
  </section>`;
}

function reach({ at, chain }) {
  if (!chain) return 'No audit is being written, so the store alone knows this: the last of it.';
  const ago = Math.max(0, Date.parse(at) - Date.parse(chain.anchored_at));
  return html`The audit has ${count(chain.lines)} lines, the last one <code>${chain.sha256.slice(0, 12)}…</code>, anchored
    ${span(ago)} ago${chain.behind_ms > 10_000 ? `; it is ${span(chain.behind_ms)} behind` : ''}. <code>make audit</code> says whether the chain is whole.`;
}

function Settings({ settings }) {
  const rows = Object.entries(settings);
  const columns = [
    { name: 'variable', of: ([name]) => html`<code>${name}</code>`, className: 'tight' },
    {
      name: 'value',
      of: ([, value]) => html`<code>${typeof value === 'string' ? value || '–' : JSON.stringify(value)}</code>`,
      className: 'wide',
    },
  ];
  return html`<section class="card">
    <details>
      <summary><b>Settings of this gateway</b> <span class="soft">secrets are not shown</span></summary>
      <${Table} caption="Settings" columns=${columns} rows=${rows} keyOf=${([name]) => name} />
    </details>
  </section>`;
}
