// What `make doctor` looks at: a server as clients see it, and what it says about itself.

import * as oidc from 'openid-client';
import { adminToken, connect, escaped, issuerUrl, paint, problem, reason } from './admin-api.mjs';

/** How far apart the clocks may be, in milliseconds. Proofs and assertions allow about as much. */
const SKEW = 30_000;
const TIMEOUT = 10_000;
/** What `wrangler.toml` comes with. */
const PLACEHOLDER = 'https://login.example.com';

const [bold, dim, red, green, yellow] = [1, 2, 31, 32, 33].map(paint);
const ok = (name, found) => ({ name, state: 'ok', found });
const notice = (name, found, todo) => ({ name, state: 'notice', found, todo });
const bad = (name, found, todo) => ({ name, state: 'problem', found, todo });
const skipped = (name, found, todo) => ({ name, state: 'skipped', found, todo });

/** Returns what is found: `{ name, state, found, todo? }` for each check. `state`: ok, notice, problem or skipped. */
export async function examine(issuer) {
  const url = issuerUrl(issuer);
  const reached = await reach(issuer, url);
  // Nothing else can be found out about a server that does not answer.
  if (reached.state === 'problem') return [reached];
  const outside = [reached, await discovery(issuer, url), await keys(issuer)];
  return [...outside, ...(await inside(issuer, url))];
}

async function reach(issuer, url) {
  if (issuer === PLACEHOLDER) return bad('issuer', `${issuer} is the placeholder of wrangler.toml`, 'Set ISSUER to the address of your server.');
  const { response, error } = await get(`${issuer}/healthz`);
  if (error) return bad('issuer', `${issuer} cannot be reached: ${error}`, 'Check the host name, its route or custom domain in wrangler.toml, and the certificate.');
  const text = await response.text();
  if (response.status === 421) return bad('issuer', `the server at ${url.host} does not serve this host`, 'Give ISSUER here and in the settings the same host.');
  if (response.status !== 200) return bad('issuer', `${issuer}/healthz answers ${response.status}: ${text.trim().slice(0, 300)}`, 'Repair the setting that the sentence names, and deploy again.');
  const { version } = parsed(text) ?? {};
  return version ? ok('issuer', `${issuer} answers; version ${version}`) : bad('issuer', `${issuer} is some other server`, 'Route the host to the Worker.');
}

/** Discovers the server as a stock client does, which compares the issuer. */
async function discovery(issuer, url) {
  const execute = url.protocol === 'http:' ? [oidc.allowInsecureRequests] : [];
  try {
    const config = await oidc.discovery(new URL(issuer), 'doctor', undefined, oidc.None(), { execute, timeout: TIMEOUT / 1_000 });
    const { device_authorization_endpoint: endpoint } = config.serverMetadata();
    return endpoint ? ok('discovery', 'a stock client finds every endpoint') : bad('discovery', 'the metadata has no device_authorization_endpoint', 'Route the host to the Worker.');
  } catch (error) {
    return bad('discovery', `a stock client refuses the metadata: ${reason(error)}`, 'The issuer in the metadata must be ISSUER, letter for letter: compare the settings with the address.');
  }
}

async function keys(issuer) {
  const { response, error } = await get(`${issuer}/jwks.json`);
  const { keys: published } = (!error && parsed(await response.text())) || {};
  if (!published?.length) return bad('published keys', `${issuer}/jwks.json has no keys: ${error ?? response.status}`, 'See the check of signing keys below, and the log.');
  for (const key of published) {
    try {
      await crypto.subtle.importKey('jwk', key, algorithm(key), true, ['verify']);
    } catch {
      return bad('published keys', `the key ${key.kid} cannot be used`, `Retire it: POST /admin/api/keys/${key.kid}/retire`);
    }
  }
  return ok('published keys', `${published.length} keys, all of them usable`);
}

function algorithm({ kty, alg }) {
  if (kty === 'EC') return { name: 'ECDSA', namedCurve: 'P-256' };
  if (kty === 'OKP') return { name: 'Ed25519' };
  return { name: alg.startsWith('PS') ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: `SHA-${alg.slice(2)}` };
}

/** Returns what only the server knows. */
async function inside(issuer, url) {
  const token = adminToken(url);
  if (!token) return [skipped('inside', 'the server was not asked about itself', 'Set ADMIN_TOKEN to an admin token with the scope read.')];
  const before = Date.now();
  const { status, body } = await connect(issuer, token)('GET', '/doctor');
  if (status !== 200) return [bad('inside', problem(body).join(' '), 'Update the server to the version of this script.')];
  const [apart, uncertain] = [Math.abs(body.now - (before + Date.now()) / 2), Date.now() - before];
  const clock = apart <= SKEW + uncertain
    ? ok('clock', `this machine and the server agree to ${(Math.max(apart, uncertain) / 1_000).toFixed(1)} s`)
    : bad('clock', `this machine and the server are ${Math.round(apart / 1_000)} s apart`, 'Set the clock of this machine; if it is right, look at the clock of the machine that runs workerd.');
  return [clock, ...body.checks];
}

async function get(address) {
  try {
    return { response: await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT) }) };
  } catch (error) {
    return { error: reason(error) };
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// --- The terminal ---

const MARKS = { ok: green('✔'), notice: yellow('!'), problem: red('✘'), skipped: dim('-') };

/** Prints a line for each check, with what to do below it. */
export function show(issuer, checks) {
  const width = Math.max(...checks.map(({ name }) => name.length));
  console.log(`${bold(issuer)}\n`);
  for (const { name, state, found, todo } of checks) {
    console.log(`${MARKS[state]} ${escaped(name).padEnd(width)}  ${escaped(found)}`);
    if (todo) console.log(`  ${' '.repeat(width)}  ${bold('→')} ${escaped(todo)}`);
  }
  const count = (wanted) => checks.filter(({ state }) => state === wanted).length;
  const [problems, notices] = [count('problem'), count('notice')];
  const plural = (number, what) => `${number} ${what}${number === 1 ? '' : 's'}`;
  const rest = notices > 0 ? `, and ${plural(notices, 'notice')}` : '';
  console.log(`\n${problems > 0 ? red(plural(problems, 'problem')) : green('No problems')}${rest}.`);
}
