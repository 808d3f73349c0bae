// The dashboard: header, banner, the screen that the address names, and what asks before it acts.

import './shell/theme.js';
import { html, render, useEffect, useState } from './shell/ui.js';
import { caller } from './shell/api.js';
import { Banner, useTab } from './shell/banner.js';
import { Dialog } from './shell/dialog.js';
import { Header, SCREENS } from './shell/header.js';
import { KeysHelp, startKeys } from './shell/keys.js';
import { href, place } from './shell/router.js';
import { SignIn } from './shell/sign-in.js';
import { live, start } from './shell/stream.js';

const TITLES = { ...Object.fromEntries(SCREENS), task: 'Task', batch: 'Batch', compare: 'Compare', 'dead-letters': 'Dead letters' };
const loaded = new Map();

/** The component of a screen: `screens/<name>.js` exports it as its default. */
function useScreen(name) {
  const [, draw] = useState(0);
  useEffect(() => {
    if (!TITLES[name] || loaded.has(name)) return;
    import(`./screens/${name}.js`)
      .then(
        (module) => loaded.set(name, { Screen: module.default }),
        (wrong) => loaded.set(name, { wrong }),
      )
      .finally(() => draw((n) => n + 1));
  }, [name]);
  return loaded.get(name);
}

function App() {
  const { screen, params } = place.use();
  const { signIn } = caller.use();
  const { status } = live.use();
  useTab(TITLES[screen] || 'Not found');
  const grey = ['offline', 'away'].includes(status);
  return html`<${Header} /><${Banner} />
    <main id="main" tabindex="-1" class="${screen} ${grey ? 'grey' : ''}">
      ${signIn ? html`<${SignIn} />` : html`<${Place} key=${screen} screen=${screen} params=${params} />`}</main>
    <${Dialog} /><${KeysHelp} />`;
}

function Place({ screen, params }) {
  const found = useScreen(screen);
  if (!TITLES[screen])
    return html`<h1>Not found</h1><p>There is no screen “${screen}”. <a href=${href('now')}>Now</a> is the first.</p>`;
  if (!found) return html`<h1 class="hidden">${TITLES[screen]}</h1>`;
  if (found.wrong)
    return html`<h1>${TITLES[screen]}</h1><p class="trouble" role="alert">This screen could not be loaded. <button
      onClick=${() => location.reload()}>Load the page again</button></p>`;
  return html`<${found.Screen} params=${params} />`;
}

start();
startKeys();
const root = document.getElementById('app');
root.replaceChildren();
render(html`<${App} />`, root);
