// The words of the dashboard: the states, what each means, and the sign that stands beside its colour.

export const STATES = ['scheduled', 'queued', 'running', 'succeeded', 'failed', 'cancelled'];

export const STATE = {
  scheduled: { sign: '◷', says: 'accepted, to start at its time' },
  queued: { sign: '○', says: 'accepted, not yet started' },
  running: { sign: '●', says: 'at least one of its jobs has been taken' },
  retrying: { sign: '↻', says: 'a job of it died and will be tried again after a pause' },
  succeeded: { sign: '✔', says: 'has its result' },
  failed: { sign: '✖', says: 'has ended without a result, with a cause, and is not tried again by itself' },
  cancelled: { sign: '⊘', says: 'given up by a person' },
  idle: { sign: '○', says: 'waits for work' },
  busy: { sign: '●', says: 'computes' },
  draining: { sign: '◐', says: 'finishes what it holds and takes nothing new' },
  lost: { sign: '✖', says: 'has not been heard of for six seconds; its jobs go to others after its lease' },
};

export const FINAL = ['succeeded', 'failed', 'cancelled'];
export const PRIORITIES = ['high', 'medium', 'low'];

/** Who did it, as the API names them; '' where no key is needed and so nobody has a name, or where it is not known. */
export const byWhom = (by) => (['anybody', '?'].includes(by) ? '' : by);

export const plural = (n, one, many = `${one}s`) => (n === 1 ? one : many);

/** `01JD…7QZK`: enough of an id to know it again. The whole of it is in the link and the title. */
export const short = (id) => (id && id.length > 12 ? `${id.slice(0, 4)}…${id.slice(-6)}` : id);
