// The words of the dashboard: the states, what each means, and the sign that stands beside its colour.

export const STATES = ['scheduled', 'queued', 'running', 'succeeded', 'failed', 'cancelled'];

export const STATE = {
  scheduled: { sign: '◷', says: 'accepted, to start at its time' },
  queued: { sign: '○', says: 'accepted, not yet started' },
  running: { sign: '●', says: 'at least one of its jobs has been taken' },
  retrying: { sign: '↻', says: 'a job of it died and will be tried again after a pause' },
  succeeded: { sign: '✔', says: 'has its result' },
  failed: { sign: '✖', says: 'has ended without a result, with a cause, and is not tried again by itself' },
  cancelled: { sign: '⊘', says: 'given up by its owner' },
  idle: { sign: '○', says: 'waits for work' },
  busy: { sign: '●', says: 'computes' },
  draining: { sign: '◐', says: 'finishes what it holds and takes nothing new' },
  lost: { sign: '✖', says: 'has been silent for more than a lease; its jobs go to others' },
};

export const FINAL = ['succeeded', 'failed', 'cancelled'];
export const PRIORITIES = ['high', 'medium', 'low'];

export const plural = (n, one, many = `${one}s`) => (n === 1 ? one : many);

/** `01JD…7QZK`: enough of an id to know it again. The whole of it is in the link and the title. */
export const short = (id) => (id && id.length > 12 ? `${id.slice(0, 4)}…${id.slice(-6)}` : id);
