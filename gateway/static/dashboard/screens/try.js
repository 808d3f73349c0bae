// Try: a calculation from a form. What is typed stands beside it as JSON, curl and Python, and is checked by the API alone.

import { html, useEffect, useMemo, useRef, useState } from '../shell/ui.js';
import { ask, caller, useAsked, useMay } from '../shell/api.js';
import { count, members, pretty, span } from '../shell/numbers.js';
import { Choice, Copy, Trouble } from '../shell/parts.js';
import { go, refine } from '../shell/router.js';
import { PRIORITIES } from '../shell/words.js';
import { sheet } from '../pictures/sheet.js';
import { dataOf, fieldsOf, placed, typed } from './try_fields.js';
import { GridRows, gridOf } from './try_grid.js';
import { command, curl, envelope, gridCurl, gridPython, python } from './values.js';

sheet('try.css');
const FIRST = 'option_european';

export default function Try({ params }) {
  const kind = params.kind || FIRST;
  const { value: all, error } = useAsked('/kinds');
  const known = useAsked(`/kinds/${encodeURIComponent(kind)}`);
  const like = useAsked(params.like ? `/tasks/${encodeURIComponent(params.like)}/data` : '');
  const ready = known.value && !known.stale && (!params.like || like.text || like.error);
  return html`<div class="head">
      <h1>Try</h1>
      <label class="try-kind"
        ><span class="soft">kind</span>
        <select value=${kind} onChange=${(event) => refine({ kind: event.target.value, like: '' })}>
          ${(all?.kinds ?? [{ kind }]).map((each) => html`<option value=${each.kind} selected=${each.kind === kind}>${each.kind}</option>`)}
        </select></label
      >
      <span class="soft">${known.value && !known.stale ? known.value.summary : ''}</span>
    </div>
    <${Trouble} error=${error || known.error} retry=${known.reload} />
    ${like.error && html`<p class="banner warn">The data of that task could not be read: ${like.error.message} The worked example stands here instead.</p>`}
    ${ready && html`<${Form} key=${`${kind} ${params.like || ''}`} about=${known.value} example=${members(known.text).get('example')} like=${like.text || ''} />`}`;
}

function Form({ about, example, like }) {
  const { kind, schema } = about;
  const fields = useMemo(() => fieldsOf(schema), [schema]);
  const filled = (text) => {
    const given = members(text);
    return Object.fromEntries(fields.map((field) => [field.name, typed(field, given.get(field.name))]));
  };
  const [values, setValues] = useState(() => filled(like || example));
  const [priority, setPriority] = useState('medium');
  const [label, setLabel] = useState('');
  const [answer, setAnswer] = useState({ found: {}, rest: [] });
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  const refused = useRef(false); // just now: the first field that is wrong is looked at next
  const role = caller.use().role;
  const may = useMay('submitter') || role === null; // who nobody has named is told by the server
  const [rows, setRows] = useState([{ name: '', text: '' }]);
  const grid = gridOf(rows, fields);
  const without = { ...values, ...Object.fromEntries(grid.names.map((name) => [name, ''])) }; // the grid has these
  const { text, faults: wrong } = dataOf(fields, without);
  const faults = { ...wrong, ...grid.faults };
  const body = bodyOf(kind, text, priority, grid.n ? '' : label, grid.json);
  const one = bodyOf(kind, withFirst(text, grid.first), priority, label);
  const batch = `/tasks/batch?${new URLSearchParams({ atomic: 'true', ...(label && { label }) })}`;
  const shown = { ...Object.fromEntries(Object.entries(faults).map(([name, fault]) => [name, [fault]])), ...answer.found };
  const change = (name, value) => {
    setValues((old) => ({ ...old, [name]: value }));
    setAnswer(({ found: { [name]: _, ...found }, ...old }) => ({ ...old, valid: null, found }));
  };
  useEffect(() => {
    if (refused.current) form.current?.querySelector('[aria-invalid=true]')?.focus();
    refused.current = false;
  });
  const send = async (path) => {
    if (busy || Object.keys(faults).length) {
      refused.current = true;
      setAnswer((old) => ({ ...old }));
      return;
    }
    setBusy(true);
    try {
      const { value } = await ask('POST', path, path === '/tasks/validate' ? one : body);
      if (path === '/tasks') go('task', { id: value.task_id });
      else if (path === batch) go('batch', { id: value.batch_id });
      else setAnswer({ found: {}, rest: [], valid: value });
    } catch (wrong) {
      refused.current = true;
      setAnswer({ ...placed(wrong.fields ?? [], fields), error: wrong });
    } finally {
      setBusy(false);
    }
  };
  const submit = (event) => {
    event.preventDefault();
    send(grid.n ? batch : '/tasks');
  };
  const inFront = (field) => field.needed || (values[field.name] ?? '') !== '' || shown[field.name];
  // A field that stands in front stays there while it is edited: what was in front at first decides, and what is wrong.
  const front = useMemo(() => new Set(fields.filter(inFront).map((field) => field.name)), [fields, answer]);
  const inGrid = new Set(rows.map(({ name }) => name));
  const alone = fields.filter((field) => !inGrid.has(field.name));
  const row = (field) => html`<${Field} key=${field.name} field=${field} value=${values[field.name] ?? ''} faults=${shown[field.name]} onInput=${(value) => change(field.name, value)} />`;
  const further = alone.filter((field) => !front.has(field.name));
  return html`<div class="two try">
    <form class="card" ref=${form} onSubmit=${submit} novalidate aria-label="Data of ${kind}">
      <div class="head"><h2>Data</h2><span class="right">
        <button type="button" class="small" onClick=${() => { setValues(filled(example)); setAnswer({ found: {}, rest: [] }); }}>Worked example</button></span></div>
      <div class="try-fields">${alone.filter((field) => front.has(field.name)).map(row)}</div>
      ${further.length > 0 && html`<details><summary>${count(further.length)} more fields, left at their defaults</summary><div class="try-fields">${further.map(row)}</div></details>`}
      <${GridRows} fields=${fields} rows=${rows} grid=${grid} faults=${shown} onChange=${(next) => { setRows(next); setAnswer({ found: {}, rest: [] }); }} />
      <h3>${grid.n ? 'Tasks' : 'Task'}</h3>
      <div class="try-fields">
        <div class="try-field"><label for="try-priority">Priority</label>
          <select id="try-priority" value=${priority} onChange=${(event) => setPriority(event.target.value)}>${PRIORITIES.map((each) => html`<option value=${each} selected=${each === priority}>${each}</option>`)}</select></div>
        <div class="try-field"><label for="try-label">Label</label>
          <input id="try-label" value=${label} maxlength="200" onInput=${(event) => setLabel(event.target.value)} /></div>
      </div>
      <${Answer} answer=${answer} faults=${faults} />
      <div class="buttons">
        ${!may && html`<span class="soft">Your key may look, not submit.</span>`}
        <button type="button" disabled=${busy || !may} onClick=${() => send('/tasks/validate')}>Check</button>
        <button type="submit" class="primary" disabled=${busy || !may}>Submit${grid.n > 0 ? ` ${count(grid.n)} ${grid.n === 1 ? 'task' : 'tasks'}` : ''}</button>
      </div>
    </form>
    <${Beside} kind=${kind} text=${text} body=${body} faults=${faults} grid=${grid} path=${batch} />
  </div>`;
}

/** The data of the grid's first task. */
function withFirst(text, first) {
  const more = Object.entries(first).map(([name, value]) => `${JSON.stringify(name)}: ${value}`);
  return more.length ? `{${[text.slice(1, -1), ...more].filter(Boolean).join(', ')}}` : text;
}

function bodyOf(kind, text, priority, label, grid = '') {
  const more = [priority !== 'medium' && `"priority": "${priority}"`, label && `"label": ${JSON.stringify(label)}`, grid && `"grid": ${grid}`].filter(Boolean);
  return [envelope({ kind }, text).slice(0, -1), ...more].join(', ') + '}';
}

/** One field: its name, unit, range, and what the API says of it. */
function Field({ field, value, faults, onInput }) {
  const { name, title, unit, says, allowed, needed, choices, form, fallback, example } = field;
  const id = `field-${name}`;
  const wrong = faults?.length > 0;
  const common = { id, name, 'aria-invalid': wrong ? 'true' : undefined, 'aria-describedby': `${id}-says${wrong ? ` ${id}-fault` : ''}`, onInput: (event) => onInput(event.target.value) };
  const none = fallback === null ? '' : `default ${JSON.stringify(fallback)}`;
  const hint = none || (example === undefined ? '' : `such as ${JSON.stringify(example)}`);
  const long = value.length > 44 || value.includes('\n') || /^[[{]/.test(value);
  const rows = Math.min(Math.max(Math.ceil(value.length / 44), value.split('\n').length, 2), 8);
  return html`<div class="try-field ${wrong ? 'wrong' : ''} ${long ? 'long' : ''}">
    <label for=${id}><span>${title}${needed && html`<span class="needed" aria-hidden="true"> *</span>`}</span> ${unit && html`<span class="soft">${unit}</span>`}</label>
    ${form === 'choice'
      ? html`<select ...${common} required=${needed}>
          ${(!needed || value === '') && html`<option value="" selected=${value === ''}>${none || 'not given'}</option>`}
          ${choices.map((each) => html`<option value=${String(each)} selected=${value === String(each)}>${String(each)}</option>`)}
        </select>`
      : long
        ? html`<textarea ...${common} rows=${rows} spellcheck=${false} value=${value}></textarea>`
        : html`<input ...${common} type="text" inputmode=${/^a (whole )?number/.test(allowed) ? 'decimal' : undefined} value=${value} placeholder=${hint} autocomplete="off" spellcheck=${false} required=${needed} list=${choices.length ? `${id}-choices` : undefined} />`}
    ${form !== 'choice' && choices.length > 0 && html`<datalist id="${id}-choices">${choices.map((each) => html`<option value=${String(each)}></option>`)}</datalist>`}
    <p class="soft says" id="${id}-says">${[says, form !== 'choice' && allowed].filter(Boolean).join(' · ')}</p>
    ${wrong && html`<p class="fault" id="${id}-fault"><span aria-hidden="true">✖</span> ${faults.join('; ')}</p>`}
  </div>`;
}

/** What the API said of the whole: a refusal, or what the calculation would take. */
function Answer({ answer, faults }) {
  const { error, rest, valid, found } = answer;
  const wrong = Object.values({ ...faults, ...found }).filter(Boolean).length;
  return html`<div role="status">
    ${error && html`<div class="trouble"><p><b>${error.title || 'Refused'}.</b> ${wrong ? `${count(wrong)} ${wrong === 1 ? 'field is' : 'fields are'} marked above.` : error.message}</p>
      ${rest.map((each) => html`<p>${each}</p>`)}${error.hint && html`<p class="soft">${error.hint}</p>`}</div>`}
    ${valid && html`<p class="banner calm">✔ Can be calculated: ${count(valid.parts)} ${valid.parts === 1 ? 'part' : 'parts'}${valid.estimated ? `, about ${span(valid.estimated.cpu_s * 1000)} of one processor` : ''}. Nothing was submitted.</p>`}
  </div>`;
}

/** The same as text: to send by hand, or from a program. */
function Beside({ kind, text, body, faults, grid, path }) {
  const [as, choose] = useState('JSON');
  const broken = Object.keys(faults);
  const alone = { JSON: () => pretty(body), curl: () => curl({ kind }, pretty(text)), Python: () => python({ kind }, pretty(text)), command: () => command({ kind }, pretty(text)) };
  const of = grid.n ? { JSON: alone.JSON, curl: () => gridCurl(path, pretty(body)), Python: () => gridPython(kind, text, grid.json) } : alone;
  const shown = (of[as] ?? of.JSON)();
  return html`<section class="card try-beside" aria-labelledby="try-same">
    <div class="head"><h2 id="try-same">The same, as text</h2>
      <${Choice} label="Show it as" options=${Object.keys(of)} value=${of[as] ? as : 'JSON'} onPick=${choose} />
      <span class="right"><${Copy} text=${shown} /></span></div>
    <pre tabindex="0" data-as=${of[as] ? as : 'JSON'}>${shown}</pre>
    <p class="soft">${broken.length ? `Without ${broken.join(', ')}, which cannot be written as JSON yet.` : 'Numbers are sent as they are typed. The fields: '}${!broken.length && html`<a href="/docs">/docs</a>`}</p>
  </section>`;
}

