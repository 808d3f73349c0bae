// The frame of a picture in SVG: axes with round ticks, a grid, labels that do not run into each other.

import { html } from '../shell/ui.js';
import { fixed } from './figures.js';
import { decimalsOfStep, linear, stepOf, ticks } from './scale.js';

/** Places for an SVG of that size: scales over the domains, and the ticks of both. */
export function plane({ width, height, x, y, left = 64, right = 16, top = 12, bottom = 44 }) {
  const across = linear(x[0], x[1], left, width - right);
  const up = linear(y[0], y[1], height - bottom, top);
  const aboutX = Math.min(Math.max(Math.floor((width - left - right) / 60), 3), 10);
  return {
    width,
    height,
    x: across,
    y: up,
    ticksX: labelled(across.domain, aboutX),
    ticksY: labelled(up.domain, Math.max(Math.floor((height - top - bottom) / 45), 2)),
  };
}

function labelled([low, high], about) {
  const decimals = decimalsOfStep(stepOf(low, high, about));
  return ticks(low, high, about).map((value) => ({ value, decimals }));
}

/** Grid, ticks and names of the axes; `format(value, decimals)` writes a tick. */
export function Axes({ of, nameX, nameY, formatX = fixed, formatY = fixed }) {
  const [left, right] = of.x.range;
  const [bottom, top] = of.y.range;
  return html`<g class="axes">
    ${of.ticksY.map(
      ({ value, decimals }) =>
        html`<path class="grid" d="M${left} ${of.y(value)}H${right}" />
          <text class="tick" x=${left - 8} y=${of.y(value)} text-anchor="end" dominant-baseline="middle">
            ${formatY(value, decimals)}
          </text>`,
    )}
    ${of.ticksX.map(
      ({ value, decimals }) =>
        html`<path class="grid" d="M${of.x(value)} ${bottom}V${top}" />
          <text class="tick" x=${of.x(value)} y=${bottom + 16} text-anchor="middle">${formatX(value, decimals)}</text>`,
    )}
    <path class="frame" d="M${left} ${top}V${bottom}H${right}" />
    <text class="axis-name" x=${(left + right) / 2} y=${bottom + 36} text-anchor="middle">${nameX}</text>
    <text class="axis-name" transform="translate(14 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle"
      >${nameY}</text
    >
  </g>`;
}

/** A line through points [[x, y], …] of a plane; where y is not finite it is broken. */
export function line(of, points) {
  let begun = false;
  return points
    .map(([x, y]) => {
      if (!Number.isFinite(y)) {
        begun = false;
        return '';
      }
      const step = `${begun ? 'L' : 'M'}${round(of.x(x))} ${round(of.y(y))}`;
      begun = true;
      return step;
    })
    .join('');
}

/** Two decimals of a pixel are enough. */
export const round = (place) => Math.round(place * 100) / 100;

/** Which of `points` [[x, y], …] is nearest to the pointer, within `most` pixels; null where none is. */
export function nearest(of, event, points, most = Infinity) {
  const svg = event.currentTarget;
  const box = svg.getBoundingClientRect();
  const [px, py] = [
    ((event.clientX - box.left) / box.width) * of.width,
    ((event.clientY - box.top) / box.height) * of.height,
  ];
  let best = null;
  points.forEach(([x, y], i) => {
    const far = Math.hypot(of.x(x) - px, most === Infinity ? 0 : of.y(y) - py);
    if (far <= (best?.far ?? most)) best = { i, far };
  });
  return best ? best.i : null;
}
