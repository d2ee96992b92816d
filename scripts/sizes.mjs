// How large a wasm module is, and what takes the room.
//
// `sizes.mjs BUILD` prints the bytes of a build's module without names, the same gzipped, those of its largest function, and
// those of its data and of the functions of each crate, and of each module of our own. `tests/e2e/size.json` has such a record.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Reader, names, sections } from './names.mjs';

/** The kinds of sections. */
const [IMPORTS, CODE, DATA] = [2, 10, 11];
/** The kinds of imports. */
const [FUNCTION, TABLE, MEMORY, GLOBAL, TAG] = [0, 1, 2, 3, 4];

/** Returns the sizes of a build: of the module that is deployed, and of its functions by their names in the twin, the largest first. */
export function sizes(build) {
  const [module, twin] = ['index_bg.wasm', 'index_bg.named.wasm'].map((file) => readFileSync(join(build, file)));
  const all = functions(twin).sort((a, b) => b.bytes - a.bytes);
  const data = [...sections(twin)].find(({ kind }) => kind === DATA);
  const parts = { data: data.end - data.begin };
  for (const { name, bytes } of all) parts[part(name)] = (parts[part(name)] ?? 0) + bytes;
  return { bytes: module.length, gzipped: gzipSync(module, { level: 9 }).length, functions: all, parts };
}

/** Lists the functions of a module with their names and the bytes of their code. */
function functions(wasm) {
  const known = names(wasm);
  const code = [...sections(wasm)].find(({ kind }) => kind === CODE);
  const reader = new Reader(wasm, code.content);
  let number = imported(wasm);
  return Array.from({ length: reader.number() }, () => {
    const bytes = reader.number();
    reader.at += bytes;
    return { name: known.get(number++) ?? '(unknown)', bytes };
  });
}

/** Returns how many functions a module imports. They have the first numbers. */
function imported(wasm) {
  const section = [...sections(wasm)].find(({ kind }) => kind === IMPORTS);
  const reader = new Reader(wasm, section.content);
  let found = 0;
  for (let left = reader.number(); left > 0; left--) {
    reader.text();
    reader.text();
    if (skip(reader) === FUNCTION) found++;
  }
  return found;
}

/** Reads what an import is. Returns its kind. */
function skip(reader) {
  const kind = reader.number();
  if (kind === FUNCTION) reader.number();
  if (kind === TABLE || kind === GLOBAL || kind === TAG) reader.number();
  if (kind === GLOBAL || kind === TAG) reader.number();
  if (kind === TABLE || kind === MEMORY) for (let limits = 1 + (reader.number() & 1); limits > 0; limits--) reader.number();
  return kind;
}

/** Returns the crate that a function is of, and of our own also the module. */
function part(name) {
  const [, own, crate] = /^[^a-z]*(?:mut |dyn )?(?:(device_grant::\w+)|(\w+)(?:\[\w+\])?::)/.exec(name) ?? [];
  return own ?? crate ?? 'others';
}

if (process.argv[1] === resolve(import.meta.filename)) {
  const { bytes, gzipped, functions: [largest], parts } = sizes(process.argv[2]);
  const sorted = Object.fromEntries(Object.entries(parts).sort());
  console.log(JSON.stringify({ bytes, gzipped, largest: largest.bytes, parts: sorted }, null, 2));
}
