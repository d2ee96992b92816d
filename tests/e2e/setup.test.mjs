// What scripts/setup downloads: wasm-bindgen's published program.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { root } from './support/config.mjs';
import { temporaryDirectory } from './support/harness.mjs';

const [, version] = /^name = "wasm-bindgen"\nversion = "(.*)"$/m.exec(readFileSync(join(root, 'Cargo.lock'), 'utf8'));

test('a downloaded wasm-bindgen has the published digest and the version of Cargo.lock, or set-up fails', async (t) => {
  const good = archive(version);

  assert.match(await setUp(t, good, sha256(good)), /Downloading wasm-bindgen .* \d+ s\n$/);
  assert.match(await setUp(t, good, sha256('another')), /does not have the published digest/);
  assert.match(await setUp(t, archive('0.2.1'), sha256(archive('0.2.1'))), /is another version/);
});

/** Runs `scripts/setup build` with an empty cache and a server that offers one archive. Returns its output. */
async function setUp(t, offered, digest) {
  const { path: cache, remove } = temporaryDirectory();
  const server = createServer(({ url }, response) => response.end(url.endsWith('.sha256sum') ? `${digest}  archive\n` : offered));
  t.after(() => (server.close(), remove()));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const releases = `http://127.0.0.1:${server.address().port}`;
  const env = { ...process.env, XDG_CACHE_HOME: cache, WASM_BINDGEN_RELEASES: releases };

  const run = await promisify(execFile)(join(root, 'scripts/setup'), ['build'], { env }).catch((failed) => failed);

  const installed = readdirSync(join(cache, 'device-grant')).filter((name) => existsSync(join(cache, 'device-grant', name, 'bin/wasm-bindgen')));
  assert.equal(installed.filter((name) => !name.endsWith('.new')).length, run.code ? 0 : 1);
  return `${run.stdout}${run.stderr}`;
}

/** Returns an archive, as the project publishes it, with a program that only knows its version. */
function archive(version) {
  const { path, remove } = temporaryDirectory();
  mkdirSync(join(path, 'wasm-bindgen'));
  writeFileSync(join(path, 'wasm-bindgen/wasm-bindgen'), `#!/bin/sh\necho wasm-bindgen ${version}\n`, { mode: 0o755 });
  const packed = execFileSync('tar', ['-czf', '-', '--mtime=@0', '-C', path, 'wasm-bindgen']);
  remove();
  return packed;
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
