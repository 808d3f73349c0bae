// Where one is: the address says it all, so a reload, a bookmark, a colleague and the back button show the same.
//
//     /dashboard/?screen=tasks&state=failed&kind=var_mc        → { screen: 'tasks', params: { state: 'failed', … } }
//     …&kind=cva                                               → { …, params: { …, kind: ['var_mc', 'cva'] } }

import { store } from './ui.js';

export const HOME = 'now';

function read() {
  const asked = new URLSearchParams(location.search);
  const { screen = HOME, ...rest } = Object.fromEntries(
    [...new Set(asked.keys())].map((name) => [name, asked.getAll(name)]).map(([name, all]) => [name, all[1] ? all : all[0]]),
  );
  return { screen: [screen].flat()[0], params: rest };
}

export const place = store(read());
addEventListener('popstate', () => place.set(read()));

/** The address of a screen. Parameters that are empty are left out; one with a list stands there for each of it. */
export function href(screen, params = {}) {
  const said = Object.entries(params)
    .flatMap(([name, value]) => [value].flat().map((each) => [name, each]))
    .filter(([, value]) => value !== '' && value !== null && value !== undefined);
  const query = new URLSearchParams([...(screen === HOME ? [] : [['screen', screen]]), ...said]);
  return `${location.pathname}${query.size ? `?${query}` : ''}`;
}

/** Go there. `replace`: the back button skips where one was (a filter that is still being typed). */
export function go(screen, params = {}, { replace = false } = {}) {
  const to = href(screen, params);
  if (to === location.pathname + location.search) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  place.set(read());
  if (!replace) scrollTo(0, 0);
}

/** Change some parameters of this screen and keep the others. */
export function refine(changes, options) {
  const { screen, params } = place.get();
  go(screen, { ...params, ...changes }, options);
}

/** Plain clicks on links to screens do not load the page anew. */
addEventListener('click', (event) => {
  const link = event.target.closest?.('a[href]');
  if (
    !link ||
    event.defaultPrevented ||
    event.button ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey
  )
    return;
  const to = new URL(link.href);
  if (
    to.origin !== location.origin ||
    to.pathname !== location.pathname ||
    link.target ||
    link.hasAttribute('download')
  )
    return;
  event.preventDefault();
  history.pushState(null, '', to.pathname + to.search);
  place.set(read());
  scrollTo(0, 0);
});
