// glewlwyd as an OpenID Provider: written in C, packaged by Debian, and unlike the others in what it leaves out.
//
//     const provider = await openGlewlwyd({ callback: `${server.origin}/callback/odd` });
//     provider.issuer;                          // http://localhost:41234/api/oidc
//     await provider.close();

import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { findProgram } from './config.mjs';
import { temporaryDirectory, within } from './harness.mjs';
import { keepSecret } from './secrets.mjs';

const LIMIT = 20_000;
const SHARE = '/usr/share/glewlwyd';
const SCHEMA = '/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz';

export const CLIENT = { client_id: 'device-grant', client_secret: keepSecret('the client secret at glewlwyd', 'rp-secret-of-glewlwyd-32-characters') };
export const ERIN = { username: 'erin', password: keepSecret('the password of erin', 'erin-password') };

/** Returns the path of the program; `undefined` if it is not installed, as it cannot be outside of Debian. */
export function glewlwyd() {
  try {
    return findProgram('glewlwyd');
  } catch {
    return undefined;
  }
}

/** With `device`, it also has a client with a device grant, and another person. */
export async function openGlewlwyd({ callback, backchannel, device }) {
  const home = temporaryDirectory();
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  writeFiles(home.path, port, origin);
  const child = spawn(glewlwyd(), ['-c', join(home.path, 'op.conf')], { cwd: home.path, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const exited = once(child, 'exit');
  try {
    await within(LIMIT, answers(`${origin}/config`, exited), 'glewlwyd did not start');
    await configure(origin, { callback, backchannel, device });
  } catch (cause) {
    kill();
    throw new Error(`glewlwyd does not serve:\n${output}`, { cause });
  }
  return {
    origin,
    issuer: `${origin}/api/oidc`,
    pid: child.pid,
    async close() {
      child.kill('SIGTERM');
      await within(5_000, exited, 'glewlwyd did not end').catch(kill);
      process.off('exit', kill);
      home.remove();
    },
  };
}

async function answers(url, exited) {
  let over = false;
  exited.then(() => (over = true));
  while (!over) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await wait(50);
  }
  throw new Error('it ended');
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function writeFiles(home, port, origin) {
  copyFolder(join(SHARE, 'webapp'), join(home, 'web'));
  copyFileSync(join(SHARE, 'templates/config.json'), join(home, 'web/config.json'));
  const database = new DatabaseSync(join(home, 'op.db'));
  database.exec(gunzipSync(readFileSync(SCHEMA)).toString());
  database.close();
  const types = { html: 'text/html', js: 'application/javascript', css: 'text/css', json: 'application/json' };
  const mime = Object.entries(types).map(([ending, type]) => `{ extension=".${ending}" mime_type="${type}" }`);
  const modules = ['user', 'client', 'plugin'].map((kind) => `${kind}_module_path="/usr/lib/glewlwyd/${kind}"`);
  writeFileSync(
    join(home, 'op.conf'),
    [
      `port=${port}`,
      'bind_address="127.0.0.1"',
      `external_url="${origin}"`,
      'login_url="login.html"',
      'api_prefix="api"',
      'log_mode="console"',
      'log_level="WARNING"',
      'cookie_secure=0',
      'session_key="GLEWLWYD2_SESSION_ID"',
      'session_expiration=86400',
      'admin_scope="g_admin"',
      'profile_scope="g_profile"',
      'admin_session_authentication="cookie"',
      'profile_session_authentication="cookie"',
      ...modules,
      'user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"',
      'hash_algorithm="SHA512"',
      'static_files_path="web"',
      `static_files_mime_types=( ${mime.join(', ')} )`,
      'database={ type="sqlite3" path="op.db" };',
      '',
    ].join('\n'),
  );
}

/** Copies the files that links lead to, because it serves no links. The packaged `config.json` leads to no file. */
function copyFolder(from, to) {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    const [source, target] = [join(from, name), join(to, name)];
    const found = statSync(source, { throwIfNoEntry: false });
    if (found?.isDirectory() && name !== 'config.json') copyFolder(source, target);
    else if (found?.isFile()) copyFileSync(source, target);
  }
}

/** Sets up the plugin, a person and the client, through the admin API. */
async function configure(origin, { callback, backchannel, device }) {
  const ask = await administrator(origin);
  const users = await ask('GET', '/mod/user/database');
  users.parameters['data-format'] = { ...users.parameters['data-format'], groups: { multiple: true, read: true, write: true } };
  await ask('PUT', '/mod/user/database', users);
  await ask('POST', '/mod/plugin/', { module: 'oidc', name: 'oidc', display_name: 'OIDC', enabled: true, parameters: plugin(origin, device) });
  await ask('PUT', '/mod/reload/');
  await ask('PUT', '/scope/openid', { display_name: 'OpenID', description: 'OpenID', password_required: true, password_max_age: 0, scheme: {} });
  await ask('POST', '/user/', {
    ...ERIN,
    name: 'Erin Example',
    email: 'erin@example.com',
    enabled: true,
    scope: ['openid'],
    groups: ['developers', 'printers'],
  });
  await ask('POST', '/client/', {
    ...CLIENT,
    name: 'Device sign-in',
    enabled: true,
    confidential: true,
    redirect_uri: [callback],
    authorization_type: ['code', 'refresh_token'],
    token_endpoint_auth_method: ['client_secret_basic', 'client_secret_post'],
    scope: ['openid'],
    ...(backchannel && { backchannel_logout_uri: backchannel, backchannel_logout_session_required: 'true' }),
  });
  if (!device) return;
  await ask('POST', '/user/', { ...device.person, name: 'Carol Example', email: 'carol@example.com', enabled: true, scope: ['openid'], groups: [] });
  await ask('POST', '/client/', device.client);
}

async function administrator(origin) {
  const json = { 'content-type': 'application/json' };
  const signIn = JSON.stringify({ username: 'admin', password: 'password' });
  const response = await fetch(`${origin}/api/auth/`, { method: 'POST', headers: json, body: signIn });
  const cookie = response.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
  return async (method, path, body) => {
    const answer = await fetch(`${origin}/api${path}`, { method, headers: { ...json, cookie }, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`glewlwyd answers ${method} ${path} with ${answer.status}: ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
}

function plugin(origin, device) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    iss: `${origin}/api/oidc`,
    'jwt-type': 'rsa',
    'jwt-key-size': '256',
    key: privateKey,
    cert: publicKey,
    'access-token-duration': 3600,
    'refresh-token-duration': 86400,
    'code-duration': 60,
    'refresh-token-rolling': true,
    'allow-non-oidc': true,
    'auth-type-code-enabled': true,
    'auth-type-refresh-enabled': true,
    'pkce-allowed': true,
    'pkce-required': true,
    'jwks-show': true,
    'name-claim': 'mandatory',
    'email-claim': 'mandatory',
    claims: [{ name: 'groups', 'user-property': 'groups', type: 'string', mandatory: true }],
    'session-management-allowed': true,
    'session-cookie-name': 'GLEWLWYD2_OIDC_SID',
    'session-cookie-expiration': 2419200,
    'back-channel-logout-allowed': true,
    ...(device && { 'auth-type-device-enabled': true, 'device-authorization-expiration': 1_800, 'device-authorization-interval': 1 }),
  };
}
