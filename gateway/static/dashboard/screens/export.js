// A list as a file: page after page is read, at most ten thousand tasks, and saved by the browser.

import { get } from '../shell/api.js';
import { count } from '../shell/numbers.js';
import { query } from './filter.js';

const MOST = 10_000;
const COLUMNS = [
  'task_id',
  'kind',
  'state',
  'priority',
  'label',
  'owner',
  'batch_id',
  'custom_id',
  'submitted_at',
  'started_at',
  'finished_at',
  'waited_ms',
  'ran_ms',
  'attempts',
  'interruptions',
  'estimate',
  'standard_error',
  'error_code',
  'error_message',
  'seed',
  'sha256',
];

/** Read all that match and save them; the sentence that says what was saved. `told(n)` hears how far it is. */
export async function save(format, filter, told) {
  const lines = format === 'csv' ? [COLUMNS.join(',')] : [];
  let cursor = '',
    n = 0;
  do {
    const { value } = await get(`/tasks?${query(filter, { limit: 200, ...(cursor && { cursor }) })}`);
    for (const task of value.tasks) lines.push(format === 'csv' ? row(task) : JSON.stringify(task));
    n += value.tasks.length;
    cursor = value.cursor;
    told(n);
  } while (cursor && n < MOST);
  download(`tasks.${format}`, `${lines.join('\n')}\n`, format === 'csv' ? 'text/csv' : 'application/x-ndjson');
  return `${count(n)} saved${cursor ? `; there are older ones` : ''}`;
}

function row(task) {
  const flat = {
    ...task,
    estimate: task.progress.estimate,
    standard_error: task.progress.standard_error,
    error_code: task.error?.code,
    error_message: task.error?.message,
  };
  return COLUMNS.map((name) => cell(flat[name])).join(',');
}

/** A cell that no spreadsheet takes for a formula. */
function cell(value) {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Give a text to the viewer as a file. */
export function download(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
