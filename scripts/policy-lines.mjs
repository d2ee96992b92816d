// What a change of the policy changes, as lines for a terminal.

import { escaped, paint } from './admin-api.mjs';

const [red, green, yellow] = [31, 32, 33].map(paint);

/** Returns a line for each member that is removed or added, two for each that is changed, and one for each warning. */
export function policyLines({ changes, warnings }) {
  const lines = changes.flatMap(({ at, before, after }) => [
    ...(before === undefined ? [] : [red(`- ${escaped(at.slice(1))} = ${text(before)}`)]),
    ...(after === undefined ? [] : [green(`+ ${escaped(at.slice(1))} = ${text(after)}`)]),
  ]);
  return [...lines, ...warnings.map((warning) => yellow(`! ${escaped(warning)}`))];
}

/** Returns a value as a line: a list of texts with commas, and anything else but a text as JSON with sorted members. */
export function text(value) {
  if (typeof value === 'string') return escaped(value);
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return escaped(isList ? value.join(', ') : canonical(value));
}

/** Returns JSON with sorted members, so that equal values have equal texts. */
export function canonical(value) {
  const ordered = (item) => (item && typeof item === 'object' && !Array.isArray(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item);
  return JSON.stringify(value, (_, item) => ordered(item));
}
