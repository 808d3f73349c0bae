// Bars from zero, a row each: what parts have in a whole, what scenarios would do. Below zero a bar is hatched, too.

import { count } from '../shell/numbers.js';
import { html, useState } from '../shell/ui.js';
import { short } from './figures.js';
import { Picture } from './frame.js';
import { extent, linear, ticks } from './scale.js';
import { useWidth } from './theme.js';

const MOST = 40; // rows that are drawn; the table has all
const BAR = 13;
const LABEL = 24; // characters of a label

/**
 * `rows`: [{label, values, errors?}] with a value (and 95 % half width) for each of `series` [{name, tone}]; `unit` stands at
 * the axis. `headline`, `note` in words.
 */
export function Levels({ title, name, headline, rows, series, unit = '', what = 'row', note = '', format = short }) {
  const [room, width] = useWidth();
  const [picked, setPicked] = useState(null);
  const some = rows.slice(0, MOST);
  const step = series.length * BAR + 9;
  const height = some.length * step + 44;
  const longest = Math.max(0, ...some.map(({ label }) => Math.min(String(label).length, LABEL)));
  const left = Math.min(Math.max(longest * 7.2 + 14, 48), width * 0.4);
  const reach = some.flatMap(({ values, errors = [] }) => values.flatMap((v, i) => [v - (errors[i] ?? 0), v + (errors[i] ?? 0)]));
  const [low, high] = extent([0, ...reach]) ?? [0, 1];
  const figures = some.flatMap(({ values }) => values.map((value) => format(value, 4).length));
  const wide = Math.max(2, ...figures) * 7.4 + 12; // of the figure at a bar's end
  const x = linear(low, high, left + (low < 0 ? wide : 0), width - (high > 0 ? wide : 12));
  const top = (i) => 6 + i * step;
  const marks = ticks(...x.domain, Math.max(Math.floor((width - left) / 90), 2));
  const below = rows.some(({ values }) => values.some((value) => value < 0));
  const words = ({ label, values, errors = [] }) =>
    `${label}: ${series.map((each, i) => `${each.name} ${format(values[i], 6)}${errors[i] ? ` ± ${short(errors[i], 3)}` : ''}`).join(', ')}`;
  const said = picked !== null && some[picked] ? words(some[picked]) : note;
  const errors = rows.some((row) => row.errors?.some(Boolean));
  return html`<${Picture}
    title=${title}
    headline=${headline}
    name=${name}
    legend=${[
      ...(series.length > 1 ? series.map(({ tone, name: text }) => ({ shape: 'box', tone, text })) : []),
      ...(below ? [{ shape: 'hatch', tone: series[0].tone, text: 'below zero' }] : []),
      ...(errors ? [{ shape: 'interval', tone: 'ink', text: '95 % interval' }] : []),
    ]}
    note=${rows.length > MOST ? `${said} The first ${MOST} of ${count(rows.length)}; the table has all.`.trim() : said}
    table=${{
      columns: [what, ...series.flatMap((each) => [each.name, ...(errors ? [`${each.name}, 95 % half width`] : [])])],
      rows: rows.map(({ label, values, errors: half = [] }) => [
        label,
        ...values.flatMap((value, i) => [value, ...(errors ? [half[i] ?? null] : [])]),
      ]),
    }}
  >
    <div ref=${room}>
      <svg viewBox="0 0 ${width} ${height}" width=${width} height=${height}
        onPointerMove=${(event) => setPicked(row(event, some.length, step, height))}
        onPointerLeave=${() => setPicked(null)}>
        <defs>${series.map(({ tone }) => html`<pattern id="${name}-${tone}" width="5" height="5" patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"><rect class="fill tone-ground" width="5" height="5" /><path class="stroke tone-${tone}"
            d="M0 0V5" /></pattern>`)}</defs>
        ${marks.map((at) => html`<g><path class="grid" d="M${x(at)} 2V${height - 34}" /><text class="tick" x=${x(at)}
          y=${height - 20} text-anchor="middle">${format(at, 4)}</text></g>`)}
        ${some.map((each, i) => html`<g>
          <text class="tick" x=${left - 8} y=${top(i) + (series.length * BAR) / 2} text-anchor="end"
            dominant-baseline="middle">${cut(each.label)}</text>
          ${each.values.map((value, k) => html`<${One} x=${x} y=${top(i) + k * BAR} value=${value} half=${each.errors?.[k]}
            tone=${series[k].tone} name=${name} text=${format(value, 4)} />`)}
        </g>`)}
        <path class="frame" d="M${x(0)} 2V${height - 34}" />
        ${unit && html`<text class="axis-name" x=${(left + width) / 2} y=${height - 4} text-anchor="middle">${unit}</text>`}
      </svg>
    </div>
  <//>`;
}

function One({ x, y, value, half, tone, name, text }) {
  if (!Number.isFinite(value)) return html`<text class="tick" x=${x(0) + 6} y=${y + BAR / 2} dominant-baseline="middle">–</text>`;
  const [from, to] = [x(Math.min(value, 0)), x(Math.max(value, 0))];
  const end = value < 0 ? x(value - (half ?? 0)) - 6 : x(value + (half ?? 0)) + 6;
  const box = { x: from, y: y + 1, width: Math.max(to - from, 1), height: BAR - 3 };
  return html`${value < 0 ? html`<rect ...${box} fill="url(#${name}-${tone})" /><rect ...${box} class="stroke fine tone-${tone}" />` : html`<rect ...${box} class="fill tone-${tone}" />`}
    ${half > 0 && html`<path class="stroke thin tone-ink" d="M${x(value - half)} ${y + BAR / 2 - 0.5}H${x(value + half)}" />`}
    <text class="tick" x=${end} y=${y + BAR / 2} text-anchor=${value < 0 ? 'end' : 'start'} dominant-baseline="middle">${text}</text>`;
}

const cut = (label) => (String(label).length > LABEL ? `${String(label).slice(0, LABEL - 1)}…` : label);

function row(event, rows, step, height) {
  const box = event.currentTarget.getBoundingClientRect();
  const i = Math.floor((((event.clientY - box.top) / box.height) * height - 2) / step);
  return i >= 0 && i < rows ? i : null;
}
