// Dead letters: jobs that were given up, with what killed them.

import { html, useEffect, useState } from '../shell/ui.js';
import { ask, get, useAsked, useMay } from '../shell/api.js';
import { confirm } from '../shell/dialog.js';
import { count, several } from '../shell/numbers.js';
import { Empty, TaskLink, Trouble } from '../shell/parts.js';
import { href } from '../shell/router.js';
import { live } from '../shell/stream.js';
import { Time } from '../shell/time.js';
import { FailureTabs } from './failures.js';

export default function DeadLetters() {
  const { frame } = live.use();
  const may = useMay('operator');
  const { value, error, reload } = useAsked('/dead-letters', { again: frame?.states.failed ?? null, pauseMs: 5000 });
  const [more, setMore] = useState({ letters: [], cursor: null });
  useEffect(() => setMore({ letters: [], cursor: null }), [value]);
  const letters = [...(value?.letters || []), ...more.letters];
  const cursor = more.letters.length ? more.cursor : value?.cursor;
  const older = async () => {
    const { value: page } = await get(`/dead-letters?cursor=${cursor}`);
    setMore({ letters: [...more.letters, ...page.letters], cursor: page.cursor });
  };
  const purge = async () => {
    const total = await countAll();
    confirm({
      title: 'Purge all dead letters',
      says: `${count(total)} letters are removed for good. The failed tasks stay until their time is over.`,
      verb: `Purge ${count(total)}`,
      number: total,
      destructive: true,
      act: async () => {
        await ask('POST', '/dead-letters/purge', { expect_count: total });
        reload();
      },
    });
  };
  return html`<div class="head"><h1>Failures</h1>${may && letters.length > 0 && html`<span class="right"><button
    class="danger" onClick=${purge}>Purge all …</button></span>`}</div>
    <${FailureTabs} at="dead-letters" />
    <${Trouble} error=${error} retry=${reload} />
    ${value && !letters.length && html`<${Empty}>No dead letters: no job was given up.<//>`}
    ${letters.map((letter) => html`<${Letter} key=${letter.letter_id} letter=${letter} may=${may} reload=${reload} />`)}
    ${cursor && html`<p><button onClick=${older}>Older ones</button></p>`}`;
}

/** How many there are: they are at most ten thousand. */
async function countAll() {
  let n = 0,
    cursor = '';
  do {
    const { value } = await get(`/dead-letters${cursor && `?cursor=${cursor}`}`);
    n += value.letters.length;
    cursor = value.cursor;
  } while (cursor);
  return n;
}

function Letter({ letter, may, reload }) {
  const { cause = {} } = letter;
  const retry = () =>
    confirm({
      title: 'Retry the task',
      says: `A new task with the same data and seed is made of ${letter.task_id}; the failed one stays as it is.`,
      verb: 'Retry',
      act: async () => {
        const { value } = await ask('POST', `/tasks/${letter.task_id}/retry`);
        return html`Submitted as <a href=${href('task', { id: value.task_id })}>${value.task_id}</a>`;
      },
    });
  const remove = async () => {
    await ask('DELETE', `/dead-letters/${letter.letter_id}`);
    reload();
  };
  const { code = cause.cause || 'unknown', message = '', traceback = '', attempt, ...rest } = cause;
  const facts = [
    several(letter.attempts, 'attempt'),
    ...(letter.interruptions ? [several(letter.interruptions, 'interruption')] : []),
    ...Object.entries(rest)
      .filter(([, fact]) => fact !== null && fact !== '' && typeof fact !== 'object')
      .map(([name, fact]) => `${name.replaceAll('_', ' ')} ${fact}`),
  ];
  return html`<article class="card letter" aria-label="Dead letter of ${letter.kind || 'nobody'}">
    <div class="head"><b class="state failed"><span aria-hidden="true">✖</span> ${code}</b> ${letter.kind && html`<span>
      ${letter.kind}</span>`}
      ${letter.task_id && html`<span><${TaskLink} id=${letter.task_id} /> job <code>${letter.job}</code></span>`}
      <span class="soft"><${Time} at=${letter.at} />${letter.consumer && ` on ${letter.consumer}`}</span>
      ${may && html`<span class="right">${letter.task_id && cause.code !== 'stray' && html`<button class="small"
        onClick=${retry}>Retry …</button>`}<button class="small" onClick=${remove}>Remove</button></span>`}</div>
    ${message && html`<p class="said">${message}</p>`}
    <p class="soft">${facts.join(' · ')}</p>
    ${letter.words && html`<pre>${letter.words}</pre>`}
    ${traceback && html`<details><summary>Traceback</summary><pre>${traceback}</pre></details>`}
  </article>`;
}
