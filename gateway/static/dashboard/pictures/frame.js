// What stands around every picture: its headline, the table behind it, and the files it gives away.

import { tame } from '../shell/numbers.js';
import { html, useRef, useState } from '../shell/ui.js';
import { fixed, short } from './figures.js';
import { csv, download, png } from './save.js';
import { palette } from './theme.js';

const SHOWN = 2000; // rows of the table on the page; the CSV has all

/**
 * A picture.
 *   title     what is drawn
 *   headline  its main figure in words, also what a screen reader says
 *   name      of the files, without ending
 *   table     {columns, rows}: all that is drawn, as figures; `decimals` by column, where they are always as many
 *   note      a sentence below; `legend` shapes and their meaning; `tools` switches above
 *   open      show the table at first
 * Children are the drawing.
 */
export function Picture({ name, table, tools, open = false, children, ...said }) {
  const [title, headline] = [tame(said.title), tame(said.headline)];
  const note = typeof said.note === 'string' ? tame(said.note) : said.note;
  const legend = said.legend?.map((entry) => ({ ...entry, text: tame(entry.text) }));
  const drawing = useRef(null);
  const [shown, setShown] = useState(open);
  const [trouble, setTrouble] = useState('');
  const saveCsv = () => download(new Blob([csv(table.columns, table.rows)], { type: 'text/csv' }), `${name}.csv`);
  const savePng = async () => {
    try {
      download(await png(drawing.current, palette().ground), `${name}.png`);
      setTrouble('');
    } catch (error) {
      setTrouble(`The picture could not be saved: ${error.message}`);
    }
  };
  const told = (figure) => {
    if (figure) figure.told = { title, headline, note, legend, table }; // for a report
  };
  return html`<figure class="picture" data-picture=${name} ref=${told}>
    <figcaption class="picture-head">
      <span class="picture-title">${title}</span>
      <span class="picture-headline">${headline}</span>
    </figcaption>
    ${tools ? html`<div class="picture-tools">${tools}</div>` : null}
    <div class="picture-drawing" role="img" aria-label=${`${title}: ${headline}`} ref=${drawing}>${children}</div>
    ${legend ? html`<${Legend} entries=${legend} />` : null} ${note ? html`<p class="picture-note">${note}</p>` : null}
    <div class="picture-tools">
      <button type="button" aria-expanded=${shown} onClick=${() => setShown(!shown)}>
        ${shown ? 'Hide table' : 'Show as table'}
      </button>
      <button type="button" aria-label=${`${title} as CSV`} onClick=${saveCsv}>CSV</button>
      <button type="button" aria-label=${`${title} as PNG`} onClick=${savePng}>PNG</button>
      ${trouble ? html`<span role="alert">${trouble}</span>` : null}
    </div>
    ${shown ? html`<${Table} title=${title} ...${table} />` : null}
  </figure>`;
}

/** The rows behind a picture. */
export function Table({ title, columns, rows, decimals = [] }) {
  const some = rows.slice(0, SHOWN);
  const figure = (value, i) => (decimals[i] === undefined ? short(value, 9) : fixed(value, decimals[i]));
  const cell = (value, i) => (typeof value === 'number' ? figure(value, i) : (value ?? '–'));
  const side = (value) => (typeof value === 'number' ? 'figure' : '');
  return html`<div class="picture-table" tabindex="0" role="region" aria-label=${`Table: ${title}`}>
    <table>
      <thead>
        <tr>
          ${columns.map((column, i) => html`<th scope="col" class=${side(rows[0]?.[i])}>${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${some.map(
          (row) =>
            html`<tr>
              ${row.map((value, i) => html`<td class=${side(value)}>${cell(value, i)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
    ${rows.length > SHOWN ? html`<p>The first ${SHOWN} of ${rows.length} rows; the CSV has all.</p>` : null}
  </div>`;
}

/** What the shapes mean: `shape` is line, upright, dash, dot, ring, box, frame, hatch, cross, diamond; `tone` a colour's name. */
export function Legend({ entries }) {
  return html`<ul class="picture-legend">
    ${entries.map(
      ({ shape, tone, text }) =>
        html`<li>
          <svg viewBox="0 0 18 12" width="18" height="12" aria-hidden="true">${mark(shape, `tone-${tone}`)}</svg>
          <span>${text}</span>
        </li>`,
    )}
  </ul>`;
}

function mark(shape, tone) {
  if (shape === 'line') return html`<path class="stroke ${tone}" d="M0 6H18" />`;
  if (shape === 'upright') return html`<path class="stroke thin dash ${tone}" d="M9 0V12" />`;
  if (shape === 'dash') return html`<path class="stroke dash ${tone}" d="M0 6H18" />`;
  if (shape === 'faint') return html`<path class="stroke fine ${tone}" d="M0 6H18" />`;
  if (shape === 'dot') return html`<circle class="fill ${tone}" cx="9" cy="6" r="4" />`;
  if (shape === 'ring') return html`<circle class="stroke ${tone}" cx="9" cy="6" r="4" />`;
  if (shape === 'diamond') return html`<path class="fill ${tone}" d="M9 0L15 6L9 12L3 6Z" />`;
  if (shape === 'interval') return html`<path class="stroke thin ${tone}" d="M4 1H14M4 11H14M9 1V11" />`;
  if (shape === 'frame') return html`<rect class="stroke fine ${tone}" x="1" y="1" width="16" height="10" />`;
  if (shape === 'triangle') return html`<path class="fill ${tone}" d="M9 1L15 11H3Z" />`;
  if (shape === 'plus') return html`<path class="stroke ${tone}" d="M4 6h10M9 1v10" />`;
  if (shape === 'cross') return html`<path class="stroke ${tone}" d="M4 1L14 11M14 1L4 11" />`;
  if (shape === 'hatch')
    return html`<rect class="stroke fine ${tone}" x="1" y="1" width="16" height="10" />
      <path class="stroke fine ${tone}" d="M1 7L7 1M3 11L13 1M9 11L17 3" />`;
  return html`<rect class="fill ${tone}" x="1" y="1" width="16" height="10" />`;
}
