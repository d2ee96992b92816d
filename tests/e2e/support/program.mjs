// Runs a client program as its user does: waits for the code that it shows, and approves it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { until } from './bounded.mjs';
import { root } from './config.mjs';
import { within } from './harness.mjs';
import { Person } from './person.mjs';
import { keepUserCode } from './secrets.mjs';
import { trusting } from './tls.mjs';

const CODE = /\b[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}\b/;

/**
 * Runs a program to its end, and returns all that it has printed. Approves the code that it shows, after `meanwhile`.
 * The program trusts the certificates of `startSecure`.
 */
export async function play(server, [command, ...args], { env, meanwhile } = {}) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...trusting, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let screen = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (screen += text));
  const ended = once(child, 'close');
  const printed = () => stripVTControlCharacters(screen);
  try {
    await until(() => CODE.test(printed()) || child.exitCode !== null, 30_000, 'no code was shown').catch((error) => assert.fail(`${error.message}:\n${printed()}`));
    assert.match(printed(), CODE);
    await meanwhile?.();
    await new Person(server).approve(keepUserCode(printed().match(CODE)[0]));
    const [status] = await within(60_000, ended, `${command} did not end`);
    assert.equal(status, 0, printed());
  } finally {
    child.kill('SIGKILL');
  }
  return printed();
}

/** Returns the claims that an access token is good for. */
export async function userinfo(server, token) {
  const response = await fetch(`${server.origin}/userinfo`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}
