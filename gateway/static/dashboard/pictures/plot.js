// uPlot, fetched when the first picture needs it, kept in step with its data, its room and the theme.

import { html, useEffect, useRef, useState } from '../shell/ui.js';
import { sheet } from './sheet.js';
import { useTheme, useWidth } from './theme.js';

let library = null;

function load() {
  library ??= import('../vendor/uplot/uPlot.esm.js').then((module) => {
    sheet('vendor/uplot/uPlot.min.css');
    return module.default;
  });
  return library;
}

/**
 * A plot. `options(uPlot)` makes uPlot's options without their size; it is asked again when `shape` or the theme
 * changes. `data` is uPlot's: columns, x first. `onHover(index | null)` follows the pointer.
 */
export function Plot({ options, data, shape, height, onHover }) {
  const theme = useTheme();
  const [room, width] = useWidth();
  const plot = useRef(null);
  const latest = useRef({});
  latest.current = { data, onHover };
  const [trouble, setTrouble] = useState('');
  useEffect(() => {
    let gone = false;
    load().then(
      (uPlot) => {
        if (gone) return;
        const made = options(uPlot);
        const hooks = { ...made.hooks, setCursor: [(u) => latest.current.onHover?.(u.cursor.idx ?? null)] };
        const legend = { show: false };
        const size = { width: room.current.clientWidth || width, height };
        plot.current = new uPlot({ ...made, ...size, legend, hooks }, latest.current.data, room.current);
        room.current.plot = plot.current; // for who looks at the page from outside: the browser's tests
      },
      (error) => setTrouble(`uPlot could not be loaded: ${error.message}`),
    );
    return () => {
      gone = true;
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, theme]);
  useEffect(() => plot.current?.setData(data), [data]);
  useEffect(() => plot.current?.setSize({ width, height }), [width, height]);
  return html`<div class="picture-plot" ref=${room} style=${{ minHeight: `${height}px` }}>
    ${trouble ? html`<p role="alert">${trouble}</p>` : null}
  </div>`;
}

/** Axes as all plots have them. */
export function axis(colours, more = {}) {
  return {
    stroke: colours.soft,
    font: '12px system-ui, sans-serif',
    labelFont: '12px system-ui, sans-serif',
    grid: { stroke: colours.faint, width: 1 },
    ticks: { stroke: colours.faint, width: 1, size: 5 },
    labelSize: 20,
    labelGap: 0,
    gap: 4,
    size: 30,
    labelSize: 20,
    labelGap: 0,
    gap: 4,
    size: 30,
    ...more,
  };
}

/** Draw on the plot's canvas in CSS pixels, inside its frame. */
export function inside(u, draw) {
  const ratio = devicePixelRatio || 1;
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw(ctx, bbox, ratio);
  ctx.restore();
}
