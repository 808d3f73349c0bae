// What the Tasks screen is asked for: words like `kind:var_mc -label:nightly data.book:EQ-7 since:24h`, and the address that
// they make. The same filter goes to the list, to its export and to what is done to all that match.
//
//     a name again: one of its values     a minus before it: none of them     >5s  <5s  1s..5s: above, below, between

/** Qualifiers and what each finds; the names of GET /tasks. */
export const QUALIFIERS = {
  kind: 'a kind of calculation',
  state: 'a state',
  priority: 'high, medium or low',
  owner: 'who owns it',
  label: 'words in its label',
  batch: 'the batch it came with',
  error: 'the code of its failure',
  waited: 'how long it waited (>5s, <200ms, 5s..1m)',
  ran: 'how long it ran (>5s, <200ms, 5s..1m)',
  since: 'submitted after (24h, 7d or a time)',
  until: 'submitted before',
  text: 'words anywhere in its data, label or metadata',
};
const ONCE = ['since', 'until'];
const NAMES = Object.keys(QUALIFIERS).flatMap((name) => (ONCE.includes(name) ? [name] : [name, `-${name}`]));
const PATH = /^-?(data|result)(\.[\p{L}\p{N}_-]{1,64}){1,8}$/u;
const WORD = /(-?[a-z]+(?:\.[\p{L}\p{N}_-]+)*):("[^"]*"|\S+)|("[^"]*"|\S+)/gu;
const AGE = /^(\d+)(m|h|d)$/;
const AGE_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 };

const isName = (name) => NAMES.includes(name) || PATH.test(name);
const many = (value) => (Array.isArray(value) ? value : [value]);

/** `{ fields, wrong }` of what was typed: a field is a text, or a list where its name stands again. Words without a name
 * are looked for anywhere. */
export function read(typed) {
  const fields = {},
    text = [],
    wrong = [];
  for (const [word, name, value, bare] of typed.matchAll(WORD)) {
    const plain = (value ?? bare).replace(/^"|"$/g, '');
    if (!name) text.push(plain);
    else if (!isName(name)) wrong.push(word);
    else if (!(name in fields) || ONCE.includes(name)) fields[name] = plain;
    else if (!many(fields[name]).includes(plain)) fields[name] = [...many(fields[name]), plain];
  }
  if (text.length) fields.text = text.join(' ');
  return { fields, wrong };
}

const namesOf = (fields) => [
  ...NAMES.filter((name) => fields[name]?.length),
  ...Object.keys(fields).filter((name) => PATH.test(name) && fields[name]?.length),
];
const pairs = (fields) => namesOf(fields).flatMap((name) => many(fields[name]).map((value) => [name, value]));

/** The words for a filter, to be typed on. */
export function write(fields) {
  return pairs(fields)
    .map(([name, value]) => {
      const quoted = /\s/.test(value) ? `"${value}"` : value;
      return name === 'text' && !Array.isArray(fields.text) && !value.includes(':') ? quoted : `${name}:${quoted}`;
    })
    .join(' ');
}

/** A filter as GET /tasks takes it: ages become times, by the store's clock. */
export function asked(fields, now) {
  const sent = {};
  for (const name of namesOf(fields)) {
    const age = ONCE.includes(name) && AGE.exec(fields[name]);
    sent[name] = age ? new Date(now - age[1] * AGE_MS[age[2]]).toISOString() : fields[name];
  }
  return sent;
}

/** What stands behind the `?`: a sent filter, and more. */
export const query = (sent, more = {}) => new URLSearchParams([...pairs(sent), ...Object.entries(more)]);

/** The filter in words, for a question before it is acted on. */
export function inWords(fields) {
  const said = namesOf(fields).map((name) => {
    const values = many(fields[name]);
    return name[0] === '-' ? `${name.slice(1)} not ${values.join(' nor ')}` : `${name} ${values.join(' or ')}`;
  });
  return said.length ? said.join(', ') : 'all tasks';
}

/** Only the filter's part of the parameters of the address. */
export const ofParams = (params) => Object.fromEntries(namesOf(params).map((name) => [name, params[name]]));
