// Light or dark: the system's choice until the viewer makes one.

import { kept } from './ui.js';

export const THEMES = ['system', 'light', 'dark'];
export const theme = kept('theme', 'system', THEMES);

function show(choice) {
  if (choice === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

show(theme.get());
theme.watch(show);

export function nextTheme() {
  theme.set(THEMES[(THEMES.indexOf(theme.get()) + 1) % THEMES.length]);
}

/** `light` or `dark`, as shown now: for what is painted on a canvas. */
export function shown() {
  const { theme: said } = document.documentElement.dataset;
  return said || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
}
