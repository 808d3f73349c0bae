// A function of two figures as cells with their values: read, not guessed from a surface.

import { html, useEffect, useRef, useState } from '../shell/ui.js';
import { decimalsOf, fixed, short } from './figures.js';
import { Picture } from './frame.js';
import { extent } from './scale.js';
import { context, palette, usePixelRatio, useTheme, useWidth } from './theme.js';

const LEFT = 62; // at least, of the names of rows
const BOTTOM = 40;
const ROW = 26;
const NARROWEST = 44; // CSS pixels of a cell that still holds its figure
const LETTER = 6.4; // of a figure in a cell
const MOST_ROWS = 40; // that are drawn

/** `xs`, `ys`, `values[row][column]`; `mark`: {row, column} of the framed cell. `ys` grow upwards. */
export function HeatMap({
  title,
  headline,
  name,
  tools,
  note,
  nameX,
  nameY,
  formatX,
  formatY,
  value,
  xs,
  ys,
  values,
  mark,
}) {
  const canvas = useRef(null);
  const [room, width] = useWidth();
  const [theme, ratio] = [useTheme(), usePixelRatio()];
  const [cell, setCell] = useState(null);
  const known = values.flat().filter(Number.isFinite);
  const decimals = decimalsOf(Math.max(...(extent(known) ?? []).map(Math.abs), 1e-12), 3);
  const letters = Math.max(...(extent(known) ?? []).map((each) => fixed(each, decimals).length), 0);
  const before = Math.max(LEFT, Math.max(...ys.map((y) => formatY(y).length)) * LETTER + 28);
  const columns = every(xs.length, mark?.column ?? 0, (width - before - 8) / Math.max(NARROWEST, letters * LETTER + 8));
  const rows = every(ys.length, mark?.row ?? 0, MOST_ROWS);
  const height = rows.length * ROW + BOTTOM + 8;
  const box = { left: before, top: 8, wide: (width - before - 8) / columns.length, high: ROW };
  useEffect(() => {
    const ctx = context(canvas.current, width, height, ratio);
    const drawn = {
      ys: rows.map((row) => ys[row]),
      values: rows.map((row) => values[row]),
      mark: mark && { row: rows.indexOf(mark.row), column: mark.column },
    };
    draw(ctx, { box, columns, decimals, xs, nameX, nameY, formatX, formatY, width, height, ...drawn });
  }, [width, height, theme, ratio, values]);
  const hover = (event) => {
    const at = canvas.current.getBoundingClientRect();
    const column = columns[Math.floor((event.clientX - at.left - box.left) / box.wide)];
    const row = rows[rows.length - 1 - Math.floor((event.clientY - at.top - box.top) / box.high)];
    setCell(values[row]?.[column] === undefined ? null : { row, column });
  };
  const left =
    (rows.length < ys.length || columns.length < xs.length) &&
    `Drawn are ${rows.length} of ${ys.length} rows and ${columns.length} of ${xs.length} columns; the table has all.`;
  const said =
    cell &&
    `${value} ${short(values[cell.row][cell.column], 6)} at ${nameX} ${formatX(xs[cell.column])}, ${nameY} ${formatY(ys[cell.row])}`;
  return html`<${Picture}
    title=${title}
    headline=${headline}
    name=${name}
    tools=${tools}
    note=${said || [note, left].filter(Boolean).join(' ')}
    table=${{ columns: [`${nameY} \\ ${nameX}`, ...xs.map((x) => short(x, 6))], rows: ys.map((y, i) => [y, ...values[i]]) }}
  >
    <div ref=${room}>
      <canvas ref=${canvas} onPointerMove=${hover} onPointerLeave=${() => setCell(null)}></canvas>
    </div>
  <//>`;
}

/** Which columns or rows are drawn where not all have room: every second, third … from the framed one on. */
function every(count, from, most) {
  const all = Array.from({ length: count }, (_, i) => i);
  let step = 1;
  while (count / step > most && step < count) step += 1;
  return all.filter((i) => (i - from) % step === 0);
}

function draw(ctx, { box, columns, decimals, xs, ys, values, mark, nameX, nameY, formatX, formatY, width, height }) {
  const colours = palette();
  const [low, high] = extent(values.flat()) ?? [0, 1];
  ctx.font = '11px system-ui, sans-serif';
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  values.forEach((row, i) => {
    const top = box.top + (ys.length - 1 - i) * box.high;
    columns.forEach((column, j) => {
      const left = box.left + j * box.wide;
      const known = Number.isFinite(row[column]);
      const share = known && high > low ? (row[column] - low) / (high - low) : 0.5;
      ctx.fillStyle = mixed(share, known);
      ctx.fillRect(left, top, box.wide - 1, box.high - 1);
      ctx.fillStyle = share > 0.62 ? '#ffffff' : '#10203a';
      ctx.fillText(fixed(row[column], decimals), left + box.wide / 2, top + box.high / 2);
    });
  });
  const shown = columns.map((column) => xs[column]);
  axes(ctx, { colours, box, xs: shown, ys, nameX, nameY, formatX, formatY, width, height });
  if (mark) framed(ctx, colours, box, ys, { row: mark.row, column: columns.indexOf(mark.column) });
}

function axes(ctx, { colours, box, xs, ys, nameX, nameY, formatX, formatY, width, height }) {
  ctx.fillStyle = colours.soft;
  ctx.textAlign = 'right';
  ys.forEach((y, i) => ctx.fillText(formatY(y), box.left - 6, box.top + (ys.length - 0.5 - i) * box.high));
  const below = box.top + ys.length * box.high;
  ctx.textAlign = 'center';
  xs.forEach((x, j) => ctx.fillText(formatX(x), box.left + (j + 0.5) * box.wide, below + 10));
  ctx.fillText(nameX, (box.left + width) / 2, height - 8);
  ctx.save();
  ctx.translate(9, box.top + (ys.length * box.high) / 2);
  ctx.rotate(-Math.PI / 2);
  ctx.fillText(nameY, 0, 0);
  ctx.restore();
}

// The task's own cell has a frame.
function framed(ctx, colours, box, ys, mark) {
  const [x, y] = [box.left + mark.column * box.wide, box.top + (ys.length - 1 - mark.row) * box.high];
  for (const [colour, size] of [
    ['#ffffff', 5],
    [colours.red, 2.5],
  ]) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = size;
    ctx.strokeRect(x - 0.5, y - 0.5, box.wide, box.high);
  }
}

// From pale to deep blue, the same in both themes: the dark text on the pale cells and the white on the deep ones hold.
function mixed(share, known) {
  if (!known) return '#b8b8b8';
  const [from, to] = [
    [226, 236, 250],
    [23, 60, 130],
  ];
  return `rgb(${from.map((each, i) => Math.round(each + (to[i] - each) * share)).join(',')})`;
}
