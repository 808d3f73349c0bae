// What came of a task, on one line: its error, why it waits, its estimate so far, or the first figure of its result.

import { Sentence } from '../shell/time.js';
import { html } from '../shell/ui.js';
import { estimate } from './now.js';

export function what(row) {
  if (row.error) return html`<code>${row.error.code}</code> ${row.error.message}`;
  if (row.why_waiting) return html`<span class="soft"><${Sentence} text=${row.why_waiting} /></span>`;
  const { progress } = row;
  const far = row.state === 'running' && progress.parts > 1 ? `${Math.min(99, Math.floor(progress.fraction * 100))}\u202f% ` : '';
  if (progress.estimate !== null) return html`${far}${estimate(progress)}`;
  return row.headline
    ? html`<span class="soft">${row.headline.name}</span> <span class="num">${row.headline.value}</span>`
    : far;
}
