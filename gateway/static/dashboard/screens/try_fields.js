// From a kind's JSON Schema to fields, and from what is typed to JSON: numbers go out as they were typed.

import { count, pretty } from '../shell/numbers.js';

const LONG = 44; // characters of JSON that stand on one line of a field

/**
 * A field: {name, title, unit, says, allowed, needed, choices, form, fallback}. `form`: choice (one of `choices`), text (a
 * string), json (anything; a word that is no JSON is a string where `words` are allowed).
 */
export function fieldsOf(schema) {
  const needed = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, said]) => fieldOf(name, said, needed.has(name)));
}

function fieldOf(name, said, needed) {
  const ways = alternatives(said).filter((way) => way.type !== 'null');
  const told = (word) => said[word] ?? ways.find((way) => way[word] !== undefined)?.[word] ?? '';
  const choices = ways.flatMap((way) => way.enum ?? (way.type === 'boolean' ? [true, false] : []));
  const closed = ways.every((way) => way.enum || way.type === 'boolean');
  const words = ways.some((way) => way.enum || way.type === 'string');
  const plain = ways.every((way) => way.type === 'string');
  return {
    name,
    needed,
    choices,
    words,
    title: told('title') || name,
    unit: told('x-unit') === 'none' ? '' : told('x-unit'),
    says: told('description'),
    allowed: [...new Set(ways.map((way) => range(way)).filter(Boolean))].join(', or '),
    example: told('examples')?.[0],
    fallback: said.default ?? null,
    form: closed ? 'choice' : plain ? 'text' : 'json',
  };
}

// All ways in which a value may be given, however deep they stand.
function alternatives(said) {
  if (!said.anyOf) return [said];
  const { anyOf, default: _, ...around } = said;
  return anyOf.flatMap((way) => alternatives({ ...around, ...way }));
}

function range(way) {
  if (way.enum || way.type === 'boolean') return way.type === 'boolean' ? '' : way.enum.join(', ');
  if (way.type === 'array') return 'a list';
  if (way.type === 'object') return 'an object';
  if (way.type === 'string') return way.maxLength ? `at most ${way.maxLength} characters` : 'text';
  const limits = [
    way.minimum !== undefined && `from ${plainly(way.minimum)}`,
    way.exclusiveMinimum !== undefined && `above ${plainly(way.exclusiveMinimum)}`,
    way.maximum !== undefined && `to ${plainly(way.maximum)}`,
    way.exclusiveMaximum !== undefined && `below ${plainly(way.exclusiveMaximum)}`,
  ].filter(Boolean);
  return [way.type === 'integer' ? 'a whole number' : 'a number', ...limits].join(' ');
}

// 10000000000 → 10 000 000 000
const plainly = (value) => (Number.isInteger(value) && Math.abs(value) >= 1e4 ? count(value) : String(value));

/** What stands in a field for a JSON text: strings without their quotes where words are allowed. */
export function typed(field, json) {
  if (json === undefined || json === 'null') return '';
  if (json[0] === '"' && (field.words || field.form === 'text')) return JSON.parse(json);
  return json.length > LONG ? pretty(json, LONG) : json;
}

/** The JSON of what is typed: {json} ("" when the field is left out), or {fault}. */
export function jsonOf(field, text) {
  const said = text.trim();
  if (said === '') return { json: '' };
  if (field.form === 'text') return { json: JSON.stringify(said) };
  try {
    JSON.parse(said);
    return { json: said };
  } catch (wrong) {
    if (field.words && /^[^[{"]/.test(said)) return { json: JSON.stringify(said) };
    return { fault: `is not JSON: ${wrong.message}` };
  }
}

/** The data as JSON text, a field a line, and the faults by field that keep it from being JSON. */
export function dataOf(fields, values) {
  const faults = {};
  const lines = [];
  for (const field of fields) {
    const { json, fault } = jsonOf(field, values[field.name] ?? '');
    if (fault) faults[field.name] = fault;
    else if (json) lines.push(`${JSON.stringify(field.name)}: ${json}`);
  }
  return { text: `{${lines.join(', ')}}`, faults };
}

/** Faults as the API told them, by the field that they belong to; `rest` belongs to none. */
export function placed(errors, fields) {
  const names = new Set(fields.map((field) => field.name));
  const found = {};
  const rest = [];
  for (const error of errors) {
    const [, , name = ''] = /^\$\.data(\.([A-Za-z_0-9]+))?/.exec(error.path ?? '') ?? [];
    const deeper = (error.path ?? '').slice(`$.data.${name}`.length);
    const words = `${deeper ? `${name}${deeper} ` : ''}${error.detail}`;
    if (names.has(name)) (found[name] ??= []).push(words);
    else rest.push(`${error.path ?? ''} ${words}`);
  }
  return { found, rest };
}
