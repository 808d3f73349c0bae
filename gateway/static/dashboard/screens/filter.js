// What the Tasks screen is asked for: words like `kind:var_mc state:failed label:nightly since:24h`, and the address that
// they make. The same filter goes to the list, to its export and to what is done to all that match.

/** Qualifiers and what each finds; the names of GET /tasks. */
export const QUALIFIERS = {
  kind: 'a kind of calculation',
  state: 'a state',
  priority: 'high, medium or low',
  owner: 'who owns it',
  label: 'words in its label',
  batch: 'the batch it came with',
  error: 'the code of its failure',
  since: 'submitted after (24h, 7d or a time)',
  until: 'submitted before',
  text: 'words anywhere in its data, label or metadata',
};
const NAMES = Object.keys(QUALIFIERS);
const WORD = /(?:([a-z]+):)?("[^"]*"|\S+)/g;
const AGE = /^(\d+)(m|h|d)$/;
const AGE_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `{ fields, wrong }` of what was typed; words without a qualifier are looked for anywhere. */
export function read(typed) {
  const fields = {},
    text = [],
    wrong = [];
  for (const [word, name, value] of typed.matchAll(WORD)) {
    const plain = value.replace(/^"|"$/g, '');
    if (!name) text.push(plain);
    else if (NAMES.includes(name)) fields[name] = plain;
    else wrong.push(word);
  }
  if (text.length) fields.text = text.join(' ');
  return { fields, wrong };
}

/** The words for a filter, to be typed on. */
export function write(fields) {
  return NAMES.filter((name) => fields[name])
    .map((name) => {
      const quoted = /\s/.test(fields[name]) ? `"${fields[name]}"` : fields[name];
      return name === 'text' ? quoted : `${name}:${quoted}`;
    })
    .join(' ');
}

/** A filter as GET /tasks takes it: ages become times, by the store's clock. */
export function asked(fields, now) {
  const sent = {};
  for (const name of NAMES) {
    if (!fields[name]) continue;
    const age = AGE.exec(fields[name]);
    sent[name] =
      age && ['since', 'until'].includes(name) ? new Date(now - age[1] * AGE_MS[age[2]]).toISOString() : fields[name];
  }
  return sent;
}

/** The filter in words, for a question before it is acted on. */
export function inWords(fields) {
  const said = NAMES.filter((name) => fields[name]).map((name) => `${name} ${fields[name]}`);
  return said.length ? said.join(', ') : 'all tasks';
}

/** Only the filter's part of the parameters of the address. */
export const ofParams = (params) =>
  Object.fromEntries(NAMES.filter((name) => params[name]).map((name) => [name, params[name]]));
