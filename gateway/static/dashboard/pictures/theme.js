// Colours, sizes and motion of the page, for what CSS cannot reach: canvases, and pictures that are saved.

import { useEffect, useRef, useState } from '../shell/ui.js';

const NAMES = ['ink', 'soft', 'faint', 'ground', 'blue', 'amber', 'red', 'green', 'violet', 'grey', 'band'];

/** The colours of pictures.css as they are now. */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--pic-${name}`).trim()]));
}

/** A counter that changes with the theme, so that what is drawn by hand is drawn again. */
export function useTheme() {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const again = () => setTurn((before) => before + 1);
    const watched = matchMedia('(prefers-color-scheme: dark)');
    watched.addEventListener('change', again);
    const root = new MutationObserver(again);
    root.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'class'] });
    return () => {
      watched.removeEventListener('change', again);
      root.disconnect();
    };
  }, []);
  return turn;
}

/** [ref, width in CSS pixels] of an element; the picture follows its room. */
export function useWidth(before = 640) {
  const ref = useRef(null);
  const [width, setWidth] = useState(before);
  useEffect(() => {
    if (!ref.current) return undefined;
    const measure = () => setWidth(Math.max(Math.floor(ref.current.clientWidth), 240));
    const observer = new ResizeObserver(measure);
    observer.observe(ref.current);
    measure();
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

/** Device pixels a CSS pixel, followed when the window moves to another screen or is zoomed. */
export function usePixelRatio() {
  const [ratio, setRatio] = useState(devicePixelRatio || 1);
  useEffect(() => {
    const watched = matchMedia(`(resolution: ${ratio}dppx)`);
    const again = () => setRatio(devicePixelRatio || 1);
    watched.addEventListener('change', again);
    return () => watched.removeEventListener('change', again);
  }, [ratio]);
  return ratio;
}

/** A canvas of so many CSS pixels, sharp on this screen; its context, cleared, with CSS pixels as its unit. */
export function context(canvas, width, height, ratio = devicePixelRatio || 1) {
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const drawn = canvas.getContext('2d');
  drawn.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawn.clearRect(0, 0, width, height);
  return drawn;
}

/** A pattern of stripes or dots in `colour` on `ground`, so that no meaning hangs on colour alone. */
export function hatch(colour, ground, shape = 'stripes', size = 7) {
  const ratio = devicePixelRatio || 1;
  const tile = document.createElement('canvas');
  const side = Math.max(Math.round(size * ratio), 4);
  tile.width = tile.height = side;
  const drawn = tile.getContext('2d');
  drawn.fillStyle = ground;
  drawn.fillRect(0, 0, side, side);
  drawn.strokeStyle = drawn.fillStyle = colour;
  drawn.lineWidth = side * 0.3;
  const line = (fromX, fromY, toX, toY) => {
    drawn.beginPath();
    drawn.moveTo(fromX, fromY);
    drawn.lineTo(toX, toY);
    drawn.stroke();
  };
  if (shape === 'dots') {
    drawn.beginPath();
    drawn.arc(side / 2, side / 2, side * 0.28, 0, 2 * Math.PI);
    drawn.fill();
  } else {
    const up = shape === 'stripes' || shape === 'cross';
    const down = shape === 'back' || shape === 'cross';
    for (const shift of [-side, 0, side]) {
      if (up) line(shift, side, shift + side, 0);
      if (down) line(shift, 0, shift + side, side);
    }
  }
  return tile.getContext('2d').createPattern(tile, 'repeat');
}
