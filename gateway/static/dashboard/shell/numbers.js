// Numbers as they were sent, and counts, durations and sizes as people read them.
//
// JSON.parse makes 9007199254740993 into …992 and 1.0 into 1. What a task got or gave is shown from its text instead.

const SPACE = '\u202f'; // narrow, does not break
const WHITE = /[ \t\n\r]*/y;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/y;

const TURNS = /[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g; // signs that turn the direction of what follows

/** A name within a sentence: it cannot turn around the figures that stand behind it. */
export const tame = (text) => String(text).replace(TURNS, '\ufffd');

function* tokens(text) {
  let at = 0;
  while (at < text.length) {
    WHITE.lastIndex = at;
    WHITE.exec(text);
    at = WHITE.lastIndex;
    if (at >= text.length) return;
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) throw new SyntaxError(`not JSON at character ${at}`);
    yield { at, text: found[0] };
    at = TOKEN.lastIndex;
  }
}

/** The members of a JSON object as texts: `{"a": 0.10, "b": [1]}` → Map { a → '0.10', b → '[1]' }. Of anything else: none. */
export function members(text) {
  const found = new Map();
  let depth = 0,
    name = null,
    start = 0,
    last = null,
    isName = false;
  for (const token of tokens(text)) {
    const { at, text: sign } = token;
    if (!depth && sign !== '{') return found;
    if (depth === 1 && name !== null && (sign === ',' || sign === '}')) {
      found.set(name, text.slice(start, last.at + last.text.length));
      name = null;
    }
    if (depth === 1 && isName && sign[0] === '"') [name, isName] = [JSON.parse(sign), false];
    else if (depth === 1 && sign === ':' && last.text[0] === '"') start = at + 1;
    if (depth === 1 && sign === ',') isName = true;
    if (sign === '{' || sign === '[') {
      depth += 1;
      if (depth === 1) isName = true;
    } else if (sign === '}' || sign === ']') depth -= 1;
    last = token;
  }
  for (const [key, value] of found) found.set(key, value.trim());
  return found;
}

/**
 * What stands at the ends of a JSON text, by its path and as it stands there: `{"a": [1.0, {"b": "x"}]}` → Map { a.0 → '1.0',
 * a.1.b → '"x"' }; an empty list or object is an end. At most `most`: then `more` is true.
 */
export function leaves(text, most = 2000) {
  const found = new Map();
  const stack = [];
  let more = false;
  const end = (value) => {
    if (found.size >= most) more = true;
    else found.set(stack.map((each) => each.name).join('.'), value);
  };
  let was = '';
  for (const { text: sign } of tokens(text)) {
    const top = stack.at(-1);
    if (sign === '{' || sign === '[') stack.push({ list: sign === '[', name: sign === '[' ? 0 : null, sign });
    else if (sign === '}' || sign === ']') {
      const empty = was === '{' || was === '[';
      stack.pop();
      if (empty) end(was + sign);
    } else if (sign === ',') {
      if (top.list) top.name += 1;
      else top.name = null;
    } else if (sign !== ':') {
      if (top && !top.list && top.name === null) top.name = JSON.parse(sign);
      else end(sign);
    }
    was = sign;
  }
  return { found, more };
}

const escaped = (sign) => `\\u${sign.codePointAt(0).toString(16).padStart(4, '0')}`; // the same JSON

/** JSON text indented for reading, every number and string as it stands. Short lists of plain values stay on their line. */
export function pretty(text, width = 88) {
  const list = [...tokens(text)].map((token) => token.text);
  let at = 0;
  const value = (indent) => {
    const sign = list[at++];
    if (sign !== '{' && sign !== '[') return sign.replace(TURNS, escaped);
    const close = sign === '{' ? '}' : ']';
    const items = [];
    while (list[at] !== close) {
      if (list[at] === ',') at += 1;
      let item = '';
      if (sign === '{') {
        item = `${list[at].replace(TURNS, escaped)}: `;
        at += 2;
      }
      items.push(item + value(indent + 2));
    }
    at += 1;
    if (!items.length) return sign + close;
    const line = `${sign}${sign === '{' ? ' ' : ''}${items.join(', ')}${sign === '{' ? ' ' : ''}${close}`;
    if (line.length + indent <= width && !line.includes('\n')) return line;
    const pad = ' '.repeat(indent + 2);
    return `${sign}\n${items.map((item) => pad + item).join(',\n')}\n${' '.repeat(indent)}${close}`;
  };
  return list.length ? value(0) : '';
}

/** A count with narrow spaces: 12 345. What is not known is a dash. */
export function count(n) {
  if (n === null || n === undefined) return '–';
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, SPACE);
}

/** A count with its noun: 1 attempt, 3 attempts, 2 processes. */
export function several(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A measured figure with so many significant digits, for headlines only: 0.97, 12.3, 401. */
export function figure(x, digits = 3) {
  if (x === null || x === undefined || !Number.isFinite(x)) return '–';
  if (x === 0) return '0';
  if (Math.abs(x) >= 10 ** digits) return count(x);
  const text = x.toPrecision(digits);
  return Math.abs(x) < 1e-4 ? text : String(Number(text)); // never 1e+2
}

/** A large amount in short: 38.2 M, 4.1 k; below a thousand as it is. The whole of it belongs into a title. */
export function amount(x) {
  if (x === null || x === undefined || !Number.isFinite(x)) return '–';
  const step = x < 999.5 ? 0 : Math.min(4, Math.floor(Math.log10(x * 1.0005) / 3));
  return step ? `${figure(x / 1000 ** step)}${SPACE}${' kMGT'[step]}` : figure(x);
}

/** A number with so many decimals and narrow spaces. */
export function fixed(x, decimals) {
  const [whole, part] = x.toFixed(decimals).split('.');
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, SPACE);
  return part ? `${spaced}.${part}` : spaced;
}

/** An estimate and its standard error, both to the error's second digit, as texts: ['4 594.3', '2.6']. */
export function withError(x, error) {
  if (!(error > 0)) return [figure(x, 8), ''];
  const decimals = Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(error))));
  return [fixed(x, decimals), fixed(error, decimals)];
}

/** A share as percent: 0.8 %. */
export function percent(x, digits = 1) {
  if (x === null || x === undefined || !Number.isFinite(x)) return '–';
  const text = (x * 100).toFixed(digits);
  const shown = x > 0 && Number(text) === 0 ? `< ${(10 ** -digits).toFixed(digits)}` : text.replace(/\.0+$/, '');
  return `${shown}${SPACE}%`;
}

/** A duration: 412 ms, 3.2 s, 4 m 10 s, 2 h 03 m, 3 d 4 h. */
export function span(ms) {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return '–';
  const two = (n) => String(n).padStart(2, '0');
  if (ms < 1) return ms <= 0 ? `0${SPACE}ms` : `${figure(ms, 2)}${SPACE}ms`;
  if (ms < 999.5) return `${Math.round(ms)}${SPACE}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}${SPACE}s`;
  const s = Math.round(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)}${SPACE}m${SPACE}${two(s % 60)}${SPACE}s`;
  const m = Math.floor(s / 60);
  if (m < 1440) return `${Math.floor(m / 60)}${SPACE}h${SPACE}${two(m % 60)}${SPACE}m`;
  return `${Math.floor(m / 1440)}${SPACE}d${SPACE}${Math.floor((m % 1440) / 60)}${SPACE}h`;
}

/** How a clock goes beside the store's: in step, or so much ahead (+) or behind (−). */
export function skew(ms) {
  return Math.abs(ms) < 50 ? 'in step' : `${ms > 0 ? '+' : '−'}${span(Math.abs(ms))}`;
}

/** A size in KiB, MiB, GiB. */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return '–';
  if (bytes < 1024) return `${count(bytes)}${SPACE}B`;
  const step = Math.min(3, Math.floor(Math.log2(bytes) / 10));
  return `${figure(bytes / 1024 ** step)}${SPACE}${['B', 'KiB', 'MiB', 'GiB'][step]}`;
}
