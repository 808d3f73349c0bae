// Who computed what, when: a row a process, a bar a job. Gaps are what they look like: nothing was computed.

import { count, percent, several, span as duration } from '../shell/numbers.js';
import { clock } from '../shell/time.js';
import { html, useEffect, useMemo, useRef, useState } from '../shell/ui.js';
import { Picture } from './frame.js';
import { barsOf, MOST_BARS, painted, rowsOf, sinceOf, sums } from './gantt_rows.js';
import { stepOf } from './scale.js';
import { context, hatch, palette, usePixelRatio, useTheme, useWidth } from './theme.js';

const ROW = 20;
const TOP = 24;
const COLOURINGS = ['kind', 'task_id', 'outcome'];
const NAMES = { kind: 'kind', task_id: 'task', outcome: 'outcome' };

/**
 * `spans`: [{consumer, child, task_id, kind, part, from_ms, to_ms, outcome}]; `workers`: the living consumers with what
 * each child computes now; `from`, `to`: the window in ms by the store's clock;
 * `onPick(task_id)`: a bar was clicked.
 */
export function Gantt({ spans, workers, from, to, onPick }) {
  const canvas = useRef(null);
  const [room, width] = useWidth();
  const [theme, ratio] = [useTheme(), usePixelRatio()];
  const [zoom, setZoom] = useState(null); // [from, to] of the window, once the viewer chose a part of it
  const [by, setBy] = useState('kind');
  const [under, setUnder] = useState(null);
  const [brush, setBrush] = useState(null);
  const [begin, end] = zoom ?? [from, to];
  const rows = useMemo(() => rowsOf(spans.slice(-MOST_BARS), workers), [spans, workers]);
  const paints = useMemo(() => painted(spans, by), [spans, by]);
  const left = Math.min(Math.max(width * 0.2, 84), 150);
  const height = TOP + Math.max(rows.length, 1) * ROW + 8;
  const laid = useMemo(() => rows.map((row) => barsOf(row, begin, end, width - left - 8)), [rows, begin, end, width]);
  useEffect(() => {
    const ctx = context(canvas.current, width, height, ratio);
    draw(ctx, { rows, laid, paints, by, begin, end, now: to, left, width, height, brush, under });
  }, [laid, paints, by, theme, ratio, brush, under, height]);
  const at = (event) => {
    const box = canvas.current.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const timeAt = (x) =>
    begin + (Math.min(Math.max(x - left, 0), width - left - 8) / (width - left - 8)) * (end - begin);
  const found = ({ x, y }) => {
    const row = Math.floor((y - TOP) / ROW);
    const bar = (laid[row] ?? []).find((each) => x - left >= each.x - 2 && x - left <= each.x + each.wide + 2);
    return bar ? { row, bar } : null;
  };
  const move = (event) => {
    const here = at(event);
    if (brush) setBrush({ ...brush, to: here.x });
    else setUnder(found(here));
  };
  const down = (event) => {
    if (event.button) return;
    canvas.current.setPointerCapture(event.pointerId);
    const { x } = at(event);
    setBrush({ from: x, to: x });
  };
  const up = (event) => {
    const [first, second] = [brush?.from, at(event).x].sort((a, b) => a - b);
    setBrush(null);
    if (brush && second - first > 6) setZoom([timeAt(first), timeAt(second)]);
    else {
      const hit = found(at(event));
      if (hit?.bar.span) onPick?.(hit.bar.span.task_id);
      else if (hit?.bar.spans) setZoom(around(hit.bar.spans));
    }
  };
  const density = laid.flat().filter((bar) => bar.count);
  const { utilisation, longest } = sums(rows, begin, end, to);
  const jobs = spans.reduce((sum, span) => sum + (span.jobs ?? 1), 0);
  const on = several(rows.length, 'process', 'processes');
  const change = (factor, shift) => {
    const middle = (begin + end) / 2 + shift * (end - begin);
    const half = Math.min(((end - begin) * factor) / 2, (to - from) / 2);
    const inner = Math.min(Math.max(middle, from + half), to - half);
    setZoom(half >= (to - from) / 2 ? null : [inner - half, inner + half]);
  };
  return html`<${Picture}
    title="What each process computed"
    headline=${longest ? `${several(jobs, 'job')} on ${on}, ${percent(utilisation)} busy, longest ${duration(longest)}` : `no job on ${on}`}
    name="workers"
    tools=${html`<${Tools} by=${by} setBy=${setBy} change=${change} zoomed=${zoom !== null} all=${() => setZoom(null)} />`}
    legend=${legend(paints, density)}
    note=${under ? said(rows, under) : note(rows, density, begin, end)}
    table=${table(spans)}
  >
    <div ref=${room} class="picture-gantt">
      <canvas
        ref=${canvas}
        class=${under ? 'over' : ''}
        onPointerMove=${move}
        onPointerDown=${down}
        onPointerUp=${up}
        onPointerCancel=${() => setBrush(null)}
        onPointerLeave=${() => setUnder(null)}
      ></canvas>
    </div>
  <//>`;
}

function around(spans) {
  const [first, last] = [spans[0].from_ms, Math.max(...spans.map((span) => span.to_ms))];
  const room = Math.max((last - first) * 0.1, 1);
  return [first - room, last + room];
}

function Tools({ by, setBy, change, zoomed, all }) {
  const button = (text, label, act, disabled = false) =>
    html`<button type="button" aria-label=${label} disabled=${disabled} onClick=${act}>${text}</button>`;
  return html`<span role="group" aria-label="Window">
      ${button('−', 'Show more time', () => change(2, 0), !zoomed)}
      ${button('+', 'Show less time', () => change(0.5, 0))} ${button('◀', 'Earlier', () => change(1, -0.5), !zoomed)}
      ${button('▶', 'Later', () => change(1, 0.5), !zoomed)}
      ${button('whole window', 'Show the whole window', all, !zoomed)}
    </span>
    <label
      >colour by
      <select value=${by} onChange=${(event) => setBy(event.target.value)}>
        ${COLOURINGS.map((each) => html`<option value=${each}>${NAMES[each]}</option>`)}
      </select></label
    >`;
}

function draw(ctx, { rows, laid, paints, by, begin, end, now, left, width, height, brush, under }) {
  const colours = palette();
  const fills = new Map([...paints].map(([name, paint]) => [name, fillOf(colours, paint)]));
  ctx.font = '11px system-ui, sans-serif';
  ctx.textBaseline = 'middle';
  times(ctx, colours, begin, end, left, width, height);
  rows.forEach((row, i) => {
    const top = TOP + i * ROW;
    label(ctx, colours, row, rows[i - 1], top, left);
    ctx.fillStyle = colours.faint;
    ctx.fillRect(left, top + ROW - 1.5, width - left - 8, 1);
    laid[i].forEach((bar) => {
      const x = left + bar.x;
      if (bar.count) dense(ctx, colours, x, top, bar);
      else {
        ctx.fillStyle = fills.get(String(bar.span[by] ?? '') || 'unknown') ?? colours.grey;
        ctx.fillRect(x, top + 2, Math.max(bar.wide - (bar.wide > 3 ? 1 : 0), 1), ROW - 5);
        if (bar.wide > 60) written(ctx, colours, bar, x, top);
      }
      if (under && under.row === i && under.bar.x === bar.x) {
        ctx.strokeStyle = colours.ink;
        ctx.lineWidth = 2;
        ctx.strokeRect(x - 1, top + 1, Math.max(bar.wide, 2) + 1, ROW - 3);
      }
    });
    const since = sinceOf(row, now);
    if (since !== null) going(ctx, colours, since, { top, left, width, begin, end });
  });
  if (brush && Math.abs(brush.to - brush.from) > 3) {
    ctx.fillStyle = colours.band;
    ctx.fillRect(Math.min(brush.from, brush.to), TOP - 4, Math.abs(brush.to - brush.from), height);
  }
}

function fillOf(colours, { tone, shape }) {
  return shape === 'plain' ? colours[tone] : hatch(colours[tone], colours.ground, shape, 6);
}

// Several jobs in one bar: as high as that stretch was busy, with a frame of its own.
function dense(ctx, colours, x, top, bar) {
  const high = Math.max((ROW - 5) * bar.share, 3);
  ctx.fillStyle = colours.grey;
  ctx.fillRect(x, top + 2 + (ROW - 5 - high), bar.wide, high);
  ctx.strokeStyle = colours.ink;
  ctx.lineWidth = 0.75;
  ctx.strokeRect(x, top + 2, bar.wide, ROW - 5);
}

// What runs now has no end yet: an open bar up to the edge.
function going(ctx, colours, since, { top, left, width, begin, end }) {
  const scale = (width - left - 8) / (end - begin);
  const x = left + Math.max((since - begin) * scale, 0);
  if (x > width - 8) return;
  ctx.strokeStyle = colours.blue;
  ctx.lineWidth = 1.5;
  ctx.setLineDash([4, 3]);
  ctx.strokeRect(x, top + 2.5, width - 8 - x, ROW - 6);
  ctx.setLineDash([]);
}

function written(ctx, colours, bar, x, top) {
  const { kind, part } = bar.span;
  const text = `${kind || '?'}${part === null || part === undefined || part === '' ? '' : ` ${part}`}`;
  const wide = ctx.measureText(text).width;
  if (wide > bar.wide - 8) return;
  ctx.fillStyle = colours.ground;
  ctx.globalAlpha = 0.85;
  ctx.fillRect(x + 2, top + 3.5, wide + 4, ROW - 8);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colours.ink;
  ctx.textAlign = 'left';
  ctx.fillText(text, x + 4, top + ROW / 2);
}

function label(ctx, colours, row, before, top, left) {
  const first = !before || before.consumer !== row.consumer;
  ctx.textAlign = 'right';
  ctx.fillStyle = row.state === 'lost' ? colours.red : colours.soft;
  const name = first ? clipped(ctx, row.consumer, left - 34) : '';
  ctx.fillText(`${row.state === 'lost' ? '✖ ' : ''}${name}  ${row.child}`, left - 6, top + ROW / 2);
}

function clipped(ctx, text, most) {
  if (ctx.measureText(text).width <= most) return text;
  let cut = text;
  while (cut && ctx.measureText(`…${cut}`).width > most) cut = cut.slice(1);
  return `…${cut}`;
}

function times(ctx, colours, begin, end, left, width, height) {
  const step = stepOf(begin, end, Math.max(Math.floor((width - left) / 100), 2));
  ctx.textAlign = 'center';
  for (let at = Math.ceil(begin / step) * step; at <= end; at += step) {
    const x = left + ((at - begin) / (end - begin)) * (width - left - 8);
    ctx.fillStyle = colours.faint;
    ctx.fillRect(x, TOP - 4, 1, height);
    ctx.fillStyle = colours.soft;
    if (x > left + 24 && x < width - 28)
      ctx.fillText(
        clock(at, { full: step < 1000 })
          .split(' ')
          .pop(),
        x,
        9,
      );
  }
}

function legend(paints, density) {
  const some = [...paints]
    .slice(0, 10)
    .map(([text, { tone, shape }]) => ({ shape: shape === 'plain' ? 'box' : 'hatch', tone, text }));
  const rest = paints.size > 10 ? [{ shape: 'box', tone: 'grey', text: `and ${paints.size - 10} more` }] : [];
  const dense = density.length
    ? [{ shape: 'frame', tone: 'ink', text: 'density: several jobs, as high as the time was busy' }]
    : [];
  return [...some, ...rest, ...dense];
}

function said(rows, { row, bar }) {
  const { consumer, child } = rows[row];
  if (bar.count)
    return `${consumer} child ${child}: ${count(bar.count)} jobs, ${percent(bar.share)} busy. Click to look closer.`;
  const { kind, task_id: task, part, from_ms: from, to_ms: to, outcome } = bar.span;
  const which = part === null || part === undefined || part === '' ? '' : `, job ${part}`;
  return `${consumer} child ${child}: ${kind || '?'}${which} of ${task}, from ${clock(from, { full: true })} for ${duration(to - from)}, ${outcome}`;
}

function note(rows, density, begin, end) {
  if (!rows.length) return 'No process has computed anything in this window.';
  const words = [
    `${duration(end - begin)} from ${clock(begin)} on. Drag over a stretch to look closer; click a bar for its task.`,
  ];
  const hidden = density.reduce((sum, bar) => sum + bar.count, 0);
  if (hidden)
    words.push(`${count(hidden)} jobs too short to stand apart are merged into ${count(density.length)} density bars.`);

  return words.join(' ');
}

function table(spans) {
  return {
    columns: ['consumer', 'child', 'kind', 'task', 'job', 'from', 'ran ms', 'outcome'],
    rows: spans.map((span) => [
      span.consumer,
      span.child,
      span.kind,
      span.task_id,
      span.part,
      new Date(span.from_ms).toISOString(),
      span.to_ms - span.from_ms,
      span.outcome,
    ]),
  };
}
