// The pictures of a page as they are printed: on white, whatever the theme, with their headlines and the figures behind them.

import { png } from './save.js';
import { palette } from './theme.js';

const LONGEST_MS = 3000; // that a picture may take to be drawn anew

/** [{title, headline, note, table, image, width}] of the pictures under an element, which may be none; `image` a data URL. */
export async function shots(host) {
  const figures = [...(host?.querySelectorAll('figure.picture') ?? [])].filter((figure) => figure.told);
  const root = document.documentElement;
  const theme = root.dataset.theme;
  const dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  if (dark) await redrawn(figures, () => root.setAttribute('data-theme', 'light'));
  try {
    const found = [];
    for (const figure of figures) {
      const drawing = figure.querySelector('.picture-drawing');
      const image = await address(await png(drawing, palette().ground));
      found.push({ ...figure.told, image, width: Math.round(drawing.getBoundingClientRect().width) });
    }
    return found;
  } finally {
    if (dark && theme) root.setAttribute('data-theme', theme);
    else if (dark) root.removeAttribute('data-theme');
  }
}

/** Change the theme, until every plot has been made anew for it, and what is drawn by style sheets has been painted. */
async function redrawn(figures, change) {
  const rooms = figures.flatMap((figure) => [...figure.querySelectorAll('.picture-plot')]);
  const before = new Map(rooms.map((room) => [room, room.plot]));
  change();
  const until = performance.now() + LONGEST_MS;
  do await new Promise(requestAnimationFrame);
  while (performance.now() < until && rooms.some((room) => room.isConnected && room.plot === before.get(room)));
  for (let i = 0; i < 3; i += 1) await new Promise(requestAnimationFrame);
}

function address(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
