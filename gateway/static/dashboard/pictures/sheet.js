// Style sheets that only some screens need, fetched with them.

const asked = new Set();

/** Load a style sheet of the dashboard, once; `path` from its folder. */
export function sheet(path) {
  if (asked.has(path)) return;
  asked.add(path);
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = new URL(`../${path}`, import.meta.url).href;
  document.head.append(link);
}
