// Retry or cancel many: those that were selected one by one, or all that match a filter, by their number.

import { ask, get } from '../shell/api.js';
import { confirm } from '../shell/dialog.js';
import { count } from '../shell/numbers.js';
import { now } from '../shell/time.js';
import { plural } from '../shell/words.js';
import { asked, inWords, query } from './filter.js';

const SAYS = {
  retry: 'Each is submitted again as a new task with the same data and seed; the old ones stay as they are.',
  cancel: 'What is computed of them so far is given up. This cannot be taken back.',
};
const VERB = { retry: 'Retry', cancel: 'Cancel' };
const WHY = { cancel: { reason: 'Why? (if you like)', optional: true } };
const DONE = { retry: 'submitted again', cancel: 'cancelled' };

/** Those that were selected: one request each, and an answer for each. */
export function act(action, rows, reload) {
  const n = rows.length;
  confirm({
    title: `${VERB[action]} ${count(n)} ${plural(n, 'task')}?`,
    says: SAYS[action],
    verb: `${VERB[action]} ${count(n)}`,
    number: n,
    ...WHY[action],
    act: async (reason) => {
      let done = 0;
      const refused = [];
      for (const row of rows) {
        try {
          await ask('POST', `/tasks/${row.task_id}/${action}`, ...(WHY[action] ? [{ reason }] : []));
          done += 1;
        } catch (error) {
          refused.push(error.message);
        }
      }
      reload();
      return `${count(done)} ${DONE[action]}.${refused.length ? ` ${count(refused.length)} not: ${refused[0]}` : ''}`;
    },
  });
}

/** All that match. The server counts them again and does nothing when they are not as many as the viewer was told. */
export async function actAll(action, filter, known, reload) {
  const sent = asked(filter, now());
  const n = known ?? (await countOf(sent));
  confirm({
    title: `${VERB[action]} all ${count(n)} ${plural(n, 'task')} that match?`,
    says: `${inWords(filter)}. ${SAYS[action]}`,
    verb: `${VERB[action]} ${count(n)}`,
    number: n,
    ...WHY[action],
    act: async (reason) => {
      const { value } = await ask('POST', '/tasks/bulk', { action, filter: sent, expect_count: n, reason });
      reload();
      return said(value, action);
    },
  });
}

/** What was done to how many, and why not to the others. */
export function said({ done, refused }, action) {
  const others = Object.entries(refused).map(([code, n]) => `${count(n)} ${code.replaceAll('_', ' ')}`);
  return `${count(done)} ${DONE[action]}.${others.length ? ` Not done: ${others.join(', ')}.` : ''}`;
}

async function countOf(filter) {
  const { value } = await get(`/tasks/count?${query(filter)}`);
  return value.count;
}
