// A key, once: the gateway makes a cookie of it that scripts cannot read.

import { html, useState } from './ui.js';
import { ask, caller, meet } from './api.js';
import { Trouble } from './parts.js';
import { reconnect } from './stream.js';

export function SignIn() {
  const [key, type] = useState('');
  const [state, set] = useState({ busy: false, error: null });
  const go = async (event) => {
    event.preventDefault();
    set({ busy: true, error: null });
    try {
      await ask('POST', '/session', { key: key.trim() });
      await meet();
      reconnect();
    } catch (error) {
      set({ busy: false, error });
    }
  };
  return html`<form class="card sign-in" onSubmit=${go}>
    <h1>Sign in</h1>
    <p class="soft">This Headrace asks for an API key. <code>make key ROLE=viewer</code> makes one that may look,
      ${' '}<code>ROLE=operator</code> one that may retry, cancel and pause.</p>
    <label>API key<input type="password" name="key" autocomplete="off" required value=${key}
      onInput=${(e) => type(e.target.value)} /></label>
    <${Trouble} error=${state.error} />
    <p class="buttons"><button class="primary" disabled=${state.busy || !key.trim()}>Sign in</button></p>
  </form>`;
}

/** Sign out: the cookie goes. */
export async function signOut() {
  await ask('DELETE', '/session');
  caller.set({ name: '', role: null, keys: true, signIn: true });
}
