// Questions on the terminal.

import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { UserError } from './admin-api.mjs';

/** How `make setup-production` is answered without a terminal. */
const OTHERWISE = 'ISSUER=, SIGN_IN= and YES=1 answer the questions.';

let terminal;
let isMuted = false;

/** Shows everything but what is typed while it is muted. */
const output = new Writable({
  write(chunk, encoding, done) {
    if (!isMuted) process.stdout.write(chunk, encoding);
    done();
  },
});

/** Asks for a text. An empty answer is `known`, if there is one. */
export async function ask(question, known) {
  open(question);
  for (;;) {
    const answer = (await terminal.question(`${question}${known ? ` [${known}]` : ''}: `)).trim() || known;
    if (answer) return answer;
  }
}

/** Asks for a text that is not shown. */
export async function askSecret(question) {
  open(question);
  process.stdout.write(`${question} (not shown): `);
  isMuted = true;
  const answer = (await terminal.question('')).trim();
  isMuted = false;
  console.log();
  return answer;
}

/** Asks for permission. Throws unless the answer is yes. `otherwise` says what to do without a terminal. */
export async function agree(otherwise = OTHERWISE) {
  open('Go on?', otherwise);
  const answer = await terminal.question('Go on? [y/N] ');
  if (!/^y(es)?$/i.test(answer.trim())) throw new UserError('Nothing was changed.');
}

export function close() {
  terminal?.close();
}

function open(question, otherwise = OTHERWISE) {
  if (!process.stdin.isTTY) throw new UserError(`Nothing was changed: no terminal to ask on: ${question}\n${otherwise}`);
  terminal ??= createInterface({ input: process.stdin, output, terminal: true });
}
