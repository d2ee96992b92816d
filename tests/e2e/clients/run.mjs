// Client programs that people use, as they are published: each signs in at the server over TLS, a person approves its
// code, and its access token is good. `make clients` runs this. A program that is not installed is skipped.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { interval } from '../support/bounded.mjs';
import { clientsPython, root } from '../support/config.mjs';
import { temporaryDirectory } from '../support/harness.mjs';
import { play, userinfo } from '../support/program.mjs';
import { decisions, endDiscreetly, keepSecret } from '../support/secrets.mjs';
import { startSecure } from '../support/tls.mjs';

const home = join(root, 'tests/e2e/clients');
/** In seconds: long enough that two polls at once are too soon (`LEEWAY` in src/grant/pace.rs). */
const INTERVAL = 2;
/** Where Debian installs the source of Go packages. */
const GOPATH = '/usr/share/gocode';
const OIDC_CHILD = '/usr/libexec/sssd/oidc_child';
const MUTT_OAUTH2 = '/usr/share/neomutt/oauth2/mutt_oauth2.py';
/** The path of an issuer that Microsoft's libraries accept. */
const TENANT = '/tenant/v2.0';

/**
 * What each program is started with (`command`), the path of the issuer that it needs, and what must be installed:
 * programs by Debian package.
 */
const PROGRAMS = {
  Authlib: inPython('authlib'),
  oauthlib: inPython('oauthlib'),
  requests_oauth2client: inPython('requests_oauth2client'),
  'MSAL for Python, as of an OpenID provider': { ...inPython('msal'), path: '/any' },
  'MSAL for Python, as of Entra ID': { ...inPython('msal'), path: TENANT },
  'azure-identity for Python': { ...inPython('azure_identity'), path: TENANT },
  'x/oauth2': inGo('x_oauth2', { 'golang-golang-x-oauth2-dev': `${GOPATH}/src/golang.org/x/oauth2/deviceauth.go` }),
  'cli/oauth': inGo('cli_oauth', { 'golang-github-cli-oauth-dev': `${GOPATH}/src/github.com/cli/oauth` }),
  'oidc-agent': inShell('oidc_agent.sh', { 'oidc-agent-cli': 'oidc-gen' }),
  oidc_child: { ...inShell('oidc_child.sh', { 'sssd-idp': OIDC_CHILD }), proves: /acct-7f3a51c2$/ },
  mutt_oauth2: inShell('mutt_oauth2.sh', { neomutt: MUTT_OAUTH2 }, MUTT_OAUTH2),
  'git-credential-oauth': inShell('git_credential_oauth.sh', { 'git-credential-oauth': 'git-credential-oauth', git: 'git' }),
};

const servers = {};
/** A directory for each program that is installed. */
const directories = {};
before(async () => {
  // The programs in Go are compiled before any program signs in, one after the other: while a compiler runs, polls are late,
  // and then the next one is too soon.
  for (const [name, { prepare }] of Object.entries(PROGRAMS).filter(([, program]) => missing(program).length === 0)) {
    directories[name] = temporaryDirectory();
    await prepare?.(directories[name].path);
  }
  const paths = ['', ...new Set(Object.values(PROGRAMS).flatMap(({ path = [] }) => path))];
  for (const path of paths) servers[path] = await startSecure({ path, vars: { POLL_INTERVAL_SECONDS: String(INTERVAL) } });
});
after(async () => {
  for (const directory of Object.values(directories)) directory.remove();
  await Promise.all(Object.values(servers).map((server) => endDiscreetly(server)));
});

describe('a published client program signs in', { concurrency: 4 }, () => {
  for (const [name, program] of Object.entries(PROGRAMS)) {
    const { command, path = '', proves } = program;
    const packages = missing(program);
    test(name, { skip: packages.length > 0 && `not installed: Debian's ${packages.join(' ')}` }, async () => {
      const server = servers[path];
      const directory = directories[name];
      const env = { HOME: directory.path, ISSUER: server.origin, CLIENT_ID: 'demo-tv' };

      // The person takes long enough for a few polls.
      const output = await play(server, command(directory.path), { env, meanwhile: () => interval(3 * INTERVAL) });

      if (proves) return assert.match(output, proves);
      const [, token] = /access token: (\S+)/.exec(output) ?? assert.fail(output);
      assert.equal((await userinfo(server, keepSecret('an access token', token))).sub, 'acct-7f3a51c2');
    });
  }
});

test('no program was told to slow down', () => {
  for (const server of Object.values(servers)) {
    const polls = decisions(server).filter(({ what }) => what === 'poll');
    assert.ok(polls.length > 0);
    assert.deepEqual(polls.filter(({ outcome }) => outcome === 'slow_down'), []);
  }
});

function inPython(name) {
  return { command: () => [clientsPython, join(home, `sign_in_${name}.py`)] };
}

/** A program in Go, compiled against Debian's packages: their versions are those that Debian has. */
function inGo(folder, needs) {
  const prepare = async (directory) => {
    const env = { ...process.env, GO111MODULE: 'off', GOPATH };
    await promisify(execFile)('go', ['build', '-o', directory, '.'], { cwd: join(home, folder), env });
  };
  return { command: (directory) => [join(directory, folder)], needs: { 'golang-go': 'go', ...needs }, prepare };
}

function inShell(script, needs, ...args) {
  return { command: () => [join(home, script), ...args], needs };
}

/** Returns Debian's packages of what a program needs and this machine lacks. */
function missing({ needs = {} }) {
  return Object.entries(needs).filter(([, program]) => !isInstalled(program)).map(([source]) => source);
}

/** Returns whether a program on the PATH, or a file, exists. */
function isInstalled(program) {
  return program.includes('/') ? existsSync(program) : spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}
