// Asking before something is done that cannot be taken back. It says what, to how many, and to which.

import { html, store, useEffect, useRef, useState } from './ui.js';
import { count } from './numbers.js';
import { Trouble } from './parts.js';

const open = store(null);
const TYPE_ABOVE = 100;

/**
 * Ask. `{ title, says, verb, number, destructive, reason, optional, act }`: `act(reason)` does it and returns a sentence to
 * show, or throws what the server said. Above a hundred, or where it destroys, the number is to be typed.
 */
export function confirm(question) {
  open.set({ ...question, back: document.activeElement });
}

export function Dialog() {
  const question = open.use();
  return question && html`<${Asking} key=${question.title} question=${question} />`;
}

function Asking({ question }) {
  const { title, says, verb, number = null, destructive = false, reason = '', optional = false, act, back } = question;
  const box = useRef(null);
  const [typed, type] = useState('');
  const [why, say] = useState('');
  const [state, set] = useState({ busy: false, error: null, done: '' });
  useEffect(() => {
    box.current.showModal();
    return () => back?.isConnected && back.focus();
  }, []);
  const close = () => open.set(null);
  const mustType = number !== null && (number > TYPE_ABOVE || destructive);
  const ready = (!mustType || typed.replace(/\D/g, '') === String(number)) && (!reason || optional || why.trim());
  const go = async (event) => {
    event.preventDefault();
    if (!ready || state.busy) return;
    set({ busy: true, error: null, done: '' });
    try {
      const done = await act(why.trim());
      if (done) set({ busy: false, error: null, done });
      else close();
    } catch (error) {
      set({ busy: false, error, done: '' });
    }
  };
  return html`<dialog ref=${box} aria-labelledby="asked" onCancel=${close} onClose=${close}>
    <form onSubmit=${go}>
      <h2 id="asked">${title}</h2>
      <p>${says}</p>
      ${
        state.done
          ? html`<p class="done" role="status">✔ ${state.done}</p>`
          : html`
        ${reason && html`<label>${reason}<input name="reason" maxlength="200" autocomplete="off" required=${!optional} value=${why}
          onInput=${(e) => say(e.target.value)} /></label>`}
        ${mustType && html`<label>Type ${count(number)} to go on<input name="number" inputmode="numeric"
          autocomplete="off" value=${typed} onInput=${(e) => type(e.target.value)} /></label>`}
        <${Trouble} error=${state.error} />`
      }
      <p class="buttons">
        <button type="button" onClick=${close}>${state.done ? 'Close' : 'Leave it'}</button>
        ${!state.done && html`<button class=${destructive ? 'danger' : 'primary'} disabled=${!ready || state.busy}>
          ${state.busy ? 'Working …' : verb}</button>`}
      </p>
    </form>
  </dialog>`;
}
