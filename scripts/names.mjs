// The names of a wasm module's functions.
//
// `names.mjs strip NAMED OUT` writes the module without its names. Nothing else changes, so the functions keep their
// numbers. `names.mjs resolve NAMED` copies its input, a log, with the names of functions in place of their numbers.

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The kind of section that has a name of its own. */
const CUSTOM = 0;
/** The part of the section `name` that names the functions. */
const FUNCTIONS = 1;

/** Returns a module without its section `name`. */
export function strip(wasm) {
  const kept = [...sections(wasm)].filter(({ custom }) => custom !== 'name');
  return Buffer.concat([wasm.subarray(0, 8), ...kept.map(({ begin, end }) => wasm.subarray(begin, end))]);
}

/** Returns the names of a module's functions, by number. */
export function names(wasm) {
  const section = [...sections(wasm)].find(({ custom }) => custom === 'name');
  const found = new Map();
  if (!section) return found;
  const reader = new Reader(wasm, section.content);
  while (reader.at < section.end) {
    const part = reader.number();
    const end = reader.number() + reader.at;
    if (part === FUNCTIONS) for (let left = reader.number(); left > 0; left--) found.set(reader.number(), reader.text());
    reader.at = end;
  }
  return found;
}

/** Returns `text` with the name of each function after its number, as in a stack trace of workerd. */
export function resolved(text, known) {
  return text.replace(/wasm-function\[(\d+)\]/g, (number, index) => `${number} ${known.get(Number(index)) ?? '(unknown)'}`);
}

/** Lists the sections of a module, with the name of those that have one. */
export function* sections(wasm) {
  for (const reader = new Reader(wasm, 8); reader.at < wasm.length; ) {
    const begin = reader.at;
    const kind = reader.number();
    const end = reader.number() + reader.at;
    const custom = kind === CUSTOM ? reader.text() : undefined;
    yield { kind, custom, begin, content: reader.at, end };
    reader.at = end;
  }
}

/** Reads numbers (unsigned LEB128) and texts, one after the other. */
export class Reader {
  constructor(bytes, at) {
    Object.assign(this, { bytes, at });
  }

  number() {
    for (let number = 0, place = 1; ; place *= 128) {
      const byte = this.bytes[this.at++];
      number += (byte % 128) * place;
      if (byte < 128) return number;
    }
  }

  text() {
    const length = this.number();
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }
}

if (process.argv[1] === resolve(import.meta.filename)) {
  const [, , command, named, out] = process.argv;
  if (command === 'strip') writeFileSync(out, strip(readFileSync(named)));
  else if (command === 'resolve') process.stdout.write(resolved(readFileSync(0, 'utf8'), names(readFileSync(named))));
  else throw new Error('usage: names.mjs strip NAMED OUT, or names.mjs resolve NAMED <LOG');
}
