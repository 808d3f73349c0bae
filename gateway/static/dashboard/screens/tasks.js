// Tasks: find them, act on them.

import { html, useEffect, useMemo, useRef, useState } from '../shell/ui.js';
import { get, useAsked, useMay } from '../shell/api.js';
import { count, span } from '../shell/numbers.js';
import { Choice, Empty, State, TaskLink, Trouble } from '../shell/parts.js';
import { go, href, refine } from '../shell/router.js';
import { live } from '../shell/stream.js';
import { now, Time } from '../shell/time.js';
import { FINAL, plural, STATES } from '../shell/words.js';
import { act, actAll } from './bulk.js';
import { save } from './export.js';
import { asked, ofParams, QUALIFIERS, query, read, write } from './filter.js';
import { what } from './came.js';

const PAGE = 50;
const INDEXED = ['state', '-state', 'kind', 'owner', 'batch', 'error', 'since', 'until'];

export default function Tasks({ params }) {
  const { frame } = live.use();
  const filter = ofParams(params);
  const searched = useMemo(() => params.q && read(params.q), [params.q]);
  useEffect(() => searched && !searched.wrong.length && go('tasks', searched.fields, { replace: true }), [searched]);
  const key = JSON.stringify([filter, params.cursor]);
  const url = () =>
    `/tasks?${query(asked(filter, now()), { limit: PAGE, ...(params.cursor && { cursor: params.cursor }) })}`;
  const { value, error, stale, loading, reload } = useAsked(key, {
    url,
    again: params.cursor ? null : JSON.stringify(frame?.states ?? null),
    pauseMs: 3000,
  });
  const [rows, waits, showNew] = useSteady(value?.tasks, key);
  const [chosen, choose] = useState(new Set());
  useEffect(() => choose(new Set()), [key]);
  const known = rows.filter((row) => chosen.has(row.task_id));
  return html`<div class="head"><h1>Tasks</h1><${Total} filter=${filter} frame=${frame}
    more=${Boolean(value?.cursor || params.cursor)} shown=${rows.length} /></div>
    <${FilterBar} filter=${filter} frame=${frame} searched=${params.q} />
    <${Trouble} error=${error} retry=${reload} />
    ${waits > 0 && html`<p class="chip"><button class="small" onClick=${showNew}>▲ ${count(waits)} new</button></p>`}
    ${rows.length > 0 && html`<${List} rows=${rows} dim=${stale && loading} chosen=${chosen} choose=${choose} />`}
    ${value && !stale && !error && !rows.length && html`<${Nothing} filter=${filter} cursor=${value.cursor}
      frame=${frame} />`}
    <${Foot} rows=${rows} chosen=${known} filter=${filter} cursor=${params.cursor} next=${value?.cursor}
      reload=${reload} frame=${frame} />`;
}

/** Rows change in place; those that are new wait until they are asked for, so that nothing moves under the pointer. */
function useSteady(fresh, key) {
  const mine = useRef({ key: null, rows: [] }).current;
  const [, draw] = useState(0);
  if (fresh && mine.fresh !== fresh) {
    mine.fresh = fresh;
    const ids = new Set(mine.rows.map((row) => row.task_id));
    const first =
      mine.key !== key || !mine.rows.length || (document.activeElement?.closest?.('main table') == null && !mine.busy);
    if (first) [mine.rows, mine.waiting, mine.key] = [fresh, null, key];
    else {
      const byId = new Map(fresh.map((row) => [row.task_id, row]));
      mine.rows = mine.rows.map((row) => byId.get(row.task_id) || row);
      mine.waiting = fresh.some((row) => !ids.has(row.task_id)) ? fresh : null;
    }
  }
  useEffect(() => {
    const over = (event) => {
      mine.busy = Boolean(event.target.closest?.('main table'));
    };
    addEventListener('pointermove', over, { passive: true });
    return () => removeEventListener('pointermove', over);
  }, []);
  const ids = new Set(mine.rows.map((row) => row.task_id));
  const waits = (mine.waiting || []).filter((row) => !ids.has(row.task_id)).length;
  const show = () => {
    [mine.rows, mine.waiting] = [mine.waiting || mine.rows, null];
    draw((n) => n + 1);
  };
  return [mine.rows, waits, show];
}

/** How many fit, where the store counts them: all, or those of one state. */
export function total(filter, frame) {
  const names = Object.keys(filter);
  if (!frame || names.some((name) => name !== 'state')) return null;
  return (filter.state ? [filter.state].flat() : STATES).reduce((sum, state) => sum + (frame.states[state] || 0), 0);
}

function Total({ filter, frame, more, shown }) {
  const all = total(filter, frame);
  const n = all ?? shown;
  return html`<span class="soft">${count(n)}${all === null && more ? ' on this page' : ''} ${plural(n, 'task')}</span>`;
}

function FilterBar({ filter, frame, searched = '' }) {
  const words = searched || write(filter);
  const [typed, type] = useState(words);
  const [wrong, say] = useState(() => read(searched).wrong);
  const { value: kinds } = useAsked('/kinds');
  useEffect(() => {
    type(words);
    say(read(words).wrong);
  }, [words]);
  const apply = (event) => {
    event.preventDefault();
    const { fields, wrong: unknown } = read(typed);
    say(unknown);
    if (!unknown.length) go('tasks', fields);
  };
  const rest = useMemo(() => ({ ...filter, state: '' }), [words]);
  const only = Object.keys(filter).every((name) => name === 'state');
  return html`<form class="filter" onSubmit=${apply}>
      <input type="search" aria-label="Filter" list="qualifiers"
        placeholder="kind:… label:… owner:… batch:… error:… since:24h, or words of the data" value=${typed}
          onInput=${(e) => type(e.target.value)} autocomplete="off" spellcheck="false" />
      <datalist id="qualifiers">${Object.entries(QUALIFIERS).map(([name, says]) => html`<option value="${name}:">${says}
        </option>`)}${(kinds?.kinds || []).map((kind) => html`<option value="kind:${kind.name}" />`)}</datalist>
      <button>Filter</button>
      ${words && html`<button type="button" onClick=${() => go('tasks')}>Clear</button>`}
    </form>
    ${wrong.length > 0 && html`<p class="trouble"
      role="alert">There is no ${wrong.join(', ')}. One can filter by ${Object.keys(QUALIFIERS).join(', ')}, data.… and
      result.…; a minus before a name means none of these.</p>`}
    <${Choice} label="State" options=${['', ...STATES]} value=${filter.state || ''} names=${{ '': 'all' }}
      counts=${only && frame ? { ...frame.states, '': total({}, frame) } : {}}
      onPick=${(state) => go('tasks', { ...rest, state })} />`;
}

function List({ rows, dim, chosen, choose }) {
  const may = useMay('operator');
  const toggle = (id) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    choose(next);
  };
  const all = rows.every((row) => chosen.has(row.task_id));
  const batches = rows.some((row) => row.batch_id);
  return html`<section class="card"><div class="scroll ${dim ? 'dim' : ''}" tabindex="0" role="region"
    aria-label="Tasks"><table class="rows tasks">
    <caption class="hidden">Tasks, newest first</caption>
    <thead><tr>
      ${may && html`<th scope="col" class="tight"><input type="checkbox" aria-label="Select all on this page"
        checked=${all} onChange=${() => choose(new Set(all ? [] : rows.map((row) => row.task_id)))} /></th>`}
      <th scope="col" class="tight">submitted</th><th scope="col" class="tight">id</th><th scope="col">kind</th><th
        scope="col">label</th>
      <th scope="col">priority</th><th scope="col">owner</th>${batches && html`<th scope="col">batch</th>`}<th
        scope="col">state</th>
      <th scope="col" class="num">waited</th><th scope="col" class="num">ran</th><th scope="col">what came of it</th>
        </tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr key=${row.task_id} data-href=${href('task', { id: row.task_id })}>
      ${may && html`<td class="tight"><input type="checkbox" aria-label="Select ${row.task_id}"
        checked=${chosen.has(row.task_id)} onChange=${() => toggle(row.task_id)} /></td>`}
      <td class="tight"><${Time} at=${row.submitted_at} /></td><td class="tight"><${TaskLink} id=${row.task_id} /></td>
      <td>${row.kind}</td><td class="label">${row.label}</td><td class="spare">${row.priority}</td><td class="spare">
        ${row.owner}</td>
      ${batches && html`<td class="spare">${row.batch_id && html`<a class="id"
        href=${href('batch', { id: row.batch_id })}>${row.batch_id.slice(-6)}</a>`}</td>`}
      <td><${State} state=${row.state} /></td><td class="num" data-name="waited">${span(row.waited_ms)}</td><td
        class="num" data-name="ran">${span(row.ran_ms)}</td>
      <td class="wide">${what(row)}</td></tr>`,
    )}</tbody>
  </table></div></section>`;
}

// Where records are looked through, the server does so ten times as long.
const looked = (filter) => (Object.keys(filter).every((name) => INDEXED.includes(name)) ? 1000 : 10_000);

function Nothing({ filter, cursor, frame }) {
  if (cursor)
    return html`<${Empty}>None of up to ${count(looked(filter))} tasks that were looked at fits. <a
      href=${href('tasks', { ...filter, cursor })}>Look further back</a><//>`;
  if (!Object.keys(filter).length)
    return html`<${Empty}>No task is on record${frame ? '' : ' yet'}. <a href=${href('try')}>Try a calculation</a><//>`;
  return html`<${Empty}>No task matches. <a
    href=${href('tasks')}>Clear the filter</a>. Tasks that ended are kept for their result's time and then removed.<//>`;
}

function Foot({ rows, chosen, filter, cursor, next, reload, frame }) {
  const may = useMay('operator');
  const [saving, setSaving] = useState('');
  const all = total(filter, frame);
  const stoppable = chosen.filter((row) => !FINAL.includes(row.state));
  const again = chosen.filter((row) => ['failed', 'cancelled'].includes(row.state));
  const out = async (format) => {
    setSaving('Reading …');
    try {
      setSaving(await save(format, asked(filter, now()), (n) => setSaving(`${count(n)} read …`)));
    } catch (error) {
      setSaving(error.message);
    }
  };
  const states = [filter.state || []].flat();
  const failed = states.length > 0 && states.every((state) => ['failed', 'cancelled'].includes(state));
  const open = states.length > 0 && states.every((state) => ['scheduled', 'queued', 'running'].includes(state));
  return html`<div class="foot">
    ${
      may &&
      html`<div class="acts">
      ${
        chosen.length > 0 &&
        html`<span>${count(chosen.length)} selected</span>
        <button data-key="r" disabled=${!again.length}
          onClick=${() => act('retry', again, reload)}>Retry ${count(again.length)} …</button>
        <button data-key="c" disabled=${!stoppable.length}
          onClick=${() => act('cancel', stoppable, reload)}>Cancel ${count(stoppable.length)} …</button>
        ${chosen.length === 2 && html`<a class="button"
          href=${href('compare', { a: chosen[1].task_id, b: chosen[0].task_id })}>Compare the two</a>`}`
      }
      ${!chosen.length && failed && html`<button disabled=${!rows.length}
        onClick=${() => actAll('retry', filter, all, reload)}>Retry all that match …</button>`}
      ${!chosen.length && open && html`<button disabled=${!rows.length}
        onClick=${() => actAll('cancel', filter, all, reload)}>Cancel all that match …</button>`}
    </div>`
    }
    <div class="acts">${saving && html`<span class="soft" role="status">${saving}</span>`}
      <button class="small" disabled=${!rows.length} onClick=${() => out('csv')}>CSV</button><button class="small"
        disabled=${!rows.length} onClick=${() => out('ndjson')}>NDJSON</button></div>
    <div class="acts right">${cursor && html`<a class="button" href=${href('tasks', filter)}>« newest</a>`}
      ${next && html`<button onClick=${() => refine({ cursor: next })}>older ›</button>`}</div>
  </div>`;
}
