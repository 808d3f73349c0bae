// The batch before with the same label: its tasks, and what each figure has become since.

import { get, useAsked } from '../shell/api.js';
import { href } from '../shell/router.js';
import { html, useEffect, useState } from '../shell/ui.js';
import { difference } from './difference.js';

const MOST = 2000; // tasks that are read of a batch

/** The tasks of a batch in its order, read page by page; again whenever `again` changes, none while it is empty. */
export function useTasks(id, again) {
  const [state, set] = useState({ tasks: [], wrong: null });
  useEffect(() => {
    if (!id || !again) return;
    let here = true;
    read(id).then(
      (tasks) => here && set({ tasks, wrong: null }),
      (wrong) => here && set((old) => ({ ...old, wrong })),
    );
    return () => {
      here = false;
    };
  }, [id, again]);
  return state;
}

async function read(id) {
  const tasks = [];
  let cursor = '';
  do {
    const { value } = await get(`/tasks?${new URLSearchParams({ batch: id, limit: 200, ...(cursor && { cursor }) })}`);
    tasks.push(...value.tasks);
    cursor = value.cursor;
  } while (cursor && tasks.length < MOST);
  return tasks.reverse();
}

/** `{ before, wrong, of }`: the batch before with this label, null for none, and the tasks of it by what they are. */
export function useBefore(batch) {
  const { value, error } = useAsked(batch?.label ? '/batches' : null);
  const before =
    value?.batches.find(({ batch_id: id, label }) => label === batch.label && id < batch.batch_id) ?? null;
  const { tasks, wrong } = useTasks(before?.batch_id, before && JSON.stringify(before.states));
  return { before, wrong: error ?? wrong, of: byName(tasks) };
}

/** What a task is in every such batch: its kind with its own id, else its label; "" for neither. */
function nameOf({ kind, custom_id: own, label }) {
  return (own ?? label) ? `${kind} ${own ?? label}` : '';
}

/** Tasks by name; null where several have it. */
function byName(tasks) {
  const found = new Map();
  for (const task of tasks) if (nameOf(task)) found.set(nameOf(task), found.has(nameOf(task)) ? null : task);
  return found;
}

/** The column of differences. */
export function columnOf(of) {
  return { name: 'since the batch before', of: (task) => (nameOf(task) ? since(task, of.get(nameOf(task))) : '–'), num: true };
}

function since(task, before) {
  if (before === null) return '–';
  if (!before) return html`<span class="soft">new</span>`;
  const [to, from] = [task.headline, before.headline];
  if (!to || to.name !== from?.name) return before.state === task.state ? '–' : html`<span class="soft">was ${before.state}</span>`;
  return html`<a href=${href('compare', { a: before.task_id, b: task.task_id })}>${difference(from.value, to.value)}</a>`;
}
