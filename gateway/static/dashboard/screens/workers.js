// Workers: who computes what. A row a process, a group a consumer.

import { html, useState } from '../shell/ui.js';
import { count, percent, several, size, skew, span } from '../shell/numbers.js';
import { State, TaskLink } from '../shell/parts.js';
import { live } from '../shell/stream.js';
import { Time } from '../shell/time.js';
import { Processes } from './processes.js';

const FOLD_ABOVE = 12; // consumers: more of them begin folded

export default function Workers() {
  const { frame } = live.use();
  const workers = frame?.workers || [];
  return html`<div class="head"><h1>Workers</h1>${frame && html`<${Summary} frame=${frame} />`}</div>
    <${Processes} frame=${frame} />
    ${(frame?.lost || []).map((each) => html`<${Lost} key=${each.name} lost=${each} />`)}
    ${workers.length > 0 && html`<${Table} workers=${workers} />`}`;
}

function Summary({ frame }) {
  const fleet = `${several(frame.workers.length, 'consumer')}, ${several(frame.processes, 'process', 'processes')}`;
  const used = `${percent(frame.utilisation, 0)} in use over the last 60 s`;
  return html`<span class="soft">${fleet}: <b>${count(frame.busy)} busy</b>, ${used}</span>`;
}

function Lost({ lost }) {
  const { name, host, held, last_beat_at: at } = lost;
  const jobs = held.map((job) => html`<${TaskLink} id=${job.task} /> ${job.job} `);
  const had = held.length ? html`It held ${jobs}: others take them one lease after its last word.` : 'It held nothing.';
  return html`<p class="banner warn lost">
    <span class="state lost"><span aria-hidden="true">✖</span> lost</span> <b>${name}
      </b> on ${host}, last heard of${' '}
    <${Time} at=${at} />. ${had}
  </p>`;
}

const HEADS = ['process', 'state', 'computes', 'job', 'for', 'cpu time', 'memory', 'pid'];
const NUMBERS = new Set(['for', 'cpu time', 'memory', 'pid']);

function Table({ workers }) {
  return html`<section class="card"><div class="scroll" tabindex="0" role="region"
    aria-label="Consumers and their processes"><table class="rows workers">
    <caption class="hidden">Consumers and their processes</caption>
    <thead><tr>${HEADS.map((head) => html`<th scope="col" class=${NUMBERS.has(head) ? 'num' : ''}>${head}</th>`)}</tr>
      </thead>
    ${workers.map((worker) => html`<${Consumer} key=${worker.name} worker=${worker}
      folded=${workers.length > FOLD_ABOVE} />`)}
  </table></div></section>`;
}

function Consumer({ worker, folded }) {
  const [open, set] = useState(!folded);
  const { children } = worker;
  const busy = children.filter((c) => c.state === 'busy').length;
  const about = [
    worker.host,
    `${busy} of ${children.length} busy`,
    `heartbeat ${span(worker.beat_ms_ago)} ago`,
    `version ${worker.version}`,
    `clock ${skew(worker.skew_ms)}`,
  ];
  return html`<tbody>
    <tr class="group"><th scope="rowgroup" colspan=${HEADS.length}>
      <button class="small" aria-expanded=${String(open)} onClick=${() => set(!open)}><span aria-hidden="true">
        ${open ? '▾' : '▸'}</span> ${worker.name}</button>
      <${State} state=${worker.state} />
      <span class="soft">${about.join(' · ')} · since <${Time} at=${worker.started_at} /></span>
    </th></tr>
    ${
      open &&
      children.map(
        (child, n) => html`<tr key=${n}>
      <td class="num left" data-name="process">${child.child}</td>
      <td><${State} state=${child.state} /></td>
      <td>${child.task ? html`${child.kind} <${TaskLink} id=${child.task} />` : html`<span class="soft">–</span>`}</td>
      <td>${child.job ? html`<code>${child.job}</code>` : html`<span class="soft">–</span>`}</td>
      <td class="num" data-name="for">${span(child.ran_ms)}</td>
      <td class="num" data-name="cpu">${span(child.cpu_s * 1000)}</td>
      <td class="num" data-name="memory">${size(child.rss_bytes)}</td>
      <td class="num" data-name="pid">${child.pid}</td>
    </tr>`,
      )
    }
  </tbody>`;
}
