// Sets up a production server: makes its secrets, deploys it, examines it, and prints a link on which the first
// administrator makes an account or signs in at a provider. With the admin token of a server that runs, it prints only the link,
// and offers a first policy if there is none.
//
//     scripts/setup-production                                          asks what it needs to know
//     ISSUER=https://login.example.com SIGN_IN=passkeys YES=1 …         asks nothing
//     FIRST_POLICY=none …                                               lets nobody sign in at a device yet
//     ISSUER=https://login.example.com ADMIN_TOKEN=… …                  another link, when every other way in is lost
//
// The link is good once and for 30 minutes, and only somebody with the admin token can have one made. The server tells the
// other administrators. Exits with 0 if there is a link, and with 1 if there is none.

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, escaped, isLocal, issuerUrl, paint, problem, UserError } from './admin-api.mjs';
import { examine, show } from './examination.mjs';
import { deploy, secretNames, withIssuer } from './production.mjs';
import { ask, askSecret, agree, close } from './questions.mjs';

/** What `wrangler.toml` comes with. */
const PLACEHOLDER = 'https://login.example.com';
/** How long a new deployment may take to answer at its address: a custom domain needs a certificate. */
const PATIENCE = 300_000;
const PAUSE = 2_000;

const { CONFIG = 'wrangler.toml', YES } = process.env;
const [bold, dim, green, yellow] = [1, 2, 32, 33].map(paint);

/** `[name, secret]` of each secret that was made and is stored. Nothing shows them again. */
const made = [];

try {
  await main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message.split('\n').map(escaped).join('\n'));
  process.exitCode = 1;
} finally {
  close();
  showSecrets();
}

async function main() {
  const issuer = await chooseIssuer();
  const runs = await accepts(issuer, process.env.ADMIN_TOKEN);
  const signIn = runs ? undefined : { ...(await chooseSignIn(issuer)), isPolicyWanted: await choosePolicy() };
  const token = runs ? process.env.ADMIN_TOKEN : await install(issuer, signIn);
  // The examination uses the token as `make doctor` does.
  process.env.ADMIN_TOKEN = token;
  const server = connect(issuer, token);
  if (signIn?.provider) await addProvider(server, signIn.provider);
  await addPolicy(server, signIn?.isPolicyWanted);
  console.log();
  show(issuer, await examine(issuer));
  await invite(server);
}

// --- What to set up ---

async function chooseIssuer() {
  const set = readFileSync(CONFIG, 'utf8').match(/^ISSUER = "(.*)"$/m)?.[1];
  const known = process.env.ISSUER || (set !== PLACEHOLDER && set) || undefined;
  const issuer = process.env.ISSUER || (await ask('The address that people and devices will use, without a slash at its end', known));
  issuerUrl(issuer);
  if (issuer === PLACEHOLDER || issuer.endsWith('/')) throw new UserError(`ISSUER is ${issuer}: it must be the address of your server, without a slash at its end`);
  return issuer;
}

async function chooseSignIn(issuer) {
  const question = 'How do people sign in? passkeys, or provider: an OpenID Provider such as Entra ID, Okta or Keycloak';
  const SIGN_IN = process.env.SIGN_IN || (await ask(question, 'passkeys'));
  if (SIGN_IN === 'passkeys') return {};
  if (SIGN_IN !== 'provider') throw new UserError(`SIGN_IN is ${SIGN_IN}: it must be passkeys or provider`);
  const value = async (name, question, known) => process.env[`PROVIDER_${name}`] || (await ask(question, known));
  const id = await value('ID', 'A short name for the provider, which never changes', 'corp');
  console.log(`Register this server at the provider, with the redirect URI ${issuer}/callback/${id}`);
  const provider = {
    id,
    name: await value('NAME', 'Its name on the button', 'Company account'),
    issuer: await value('ISSUER', 'Its issuer'),
    client_id: await value('CLIENT_ID', 'The client ID that it gave you'),
    client_secret: process.env.PROVIDER_CLIENT_SECRET || (await askSecret('The client secret that it gave you')),
  };
  return { provider };
}

/** Returns whether administrators may sign in at devices. Without a policy, nobody may. */
async function choosePolicy() {
  const question = 'Who may sign in at devices, for a start? administrators, or none';
  const otherwise = async () => (YES ? 'administrators' : process.stdin.isTTY ? ask(question, 'administrators') : 'none');
  const FIRST_POLICY = process.env.FIRST_POLICY || (await otherwise());
  if (!['administrators', 'none'].includes(FIRST_POLICY)) throw new UserError(`FIRST_POLICY is ${FIRST_POLICY}: it must be administrators or none`);
  return FIRST_POLICY === 'administrators';
}

// --- Installing ---

/** Makes the secrets that are missing, deploys, and waits until the server answers. Returns its admin token. */
async function install(issuer, signIn) {
  const names = await secretNames(CONFIG);
  const isSet = names.includes('ADMIN_TOKEN_SHA256');
  if (isSet && !process.env.ADMIN_TOKEN && !process.env.REPLACE_ADMIN_TOKEN) {
    throw new UserError('This server has an admin token: set ADMIN_TOKEN to it. If it is lost, REPLACE_ADMIN_TOKEN=1 makes another one, and the old one ends.');
  }
  const secrets = {};
  if (!names.includes('MASTER_KEY')) secrets.MASTER_KEY = randomBytes(32).toString('base64');
  const token = process.env.ADMIN_TOKEN || randomBytes(32).toString('hex');
  if (!isSet || process.env.REPLACE_ADMIN_TOKEN) secrets.ADMIN_TOKEN_SHA256 = createHash('sha256').update(token).digest('hex');
  const before = readFileSync(CONFIG, 'utf8');
  const after = withIssuer(before, issuer);
  await confirm(issuer, signIn, { secrets: Object.keys(secrets), isChanged: before !== after });
  if (before !== after) writeFileSync(CONFIG, after);
  if (secrets.MASTER_KEY) made.push(['MASTER_KEY', secrets.MASTER_KEY]);
  if (!process.env.ADMIN_TOKEN) made.push(['ADMIN_TOKEN', token]);
  await deploy(CONFIG, secrets);
  await answered(issuer, token);
  return token;
}

/** Adds the provider, or changes it if it is there from an earlier run. */
async function addProvider(server, provider) {
  const path = `/providers/${provider.id}`;
  const isThere = (await server('GET', path)).status === 200;
  const sent = isThere ? server('PUT', path, { body: provider, etag: '*' }) : server('POST', '/providers', { body: provider });
  await must('The provider', sent, provider);
}

/** Writes the first policy, unless there is one: administrators sign in at devices after a fresh sign-in, and nobody else does. */
async function addPolicy(server, isWanted) {
  const { body, etag } = await server('GET', '/policy');
  if (body.version > 0) return;
  if (!(isWanted ?? (await choosePolicy()))) {
    console.log(yellow('\nThere is no policy yet, so nobody gets a code: see docs/governance.md.'));
    return;
  }
  const groups = (readFileSync(CONFIG, 'utf8').match(/^ADMIN_GROUPS = "(.*)"$/m)?.[1] ?? 'local:administrators').split(',').map((group) => group.trim());
  const rule = {
    id: 'administrators',
    description: 'Administrators sign in at devices, for a start',
    effect: 'allow',
    when: { groups },
    require: { max_age: 900 },
    limit: { refresh_token_lifetime: 86_400 },
  };
  const policy = { default: 'enforced', rules: [rule], reason: 'The first policy, by make setup-production' };
  await must('The policy', server('PUT', '/policy', { body: policy, etag }));
  console.log(`\nAdministrators can sign in at devices, and nobody else: ${dim('see docs/governance.md for the next rules.')}`);
}

async function confirm(issuer, { provider, isPolicyWanted }, { secrets, isChanged }) {
  console.log(`\n${bold('This will')}`);
  if (isChanged) console.log(`  set ISSUER to ${issuer} in ${CONFIG}${isLocal(new URL(issuer).hostname) ? '' : ', and route its host to the Worker'}`);
  if (secrets.length > 0) console.log(`  make and store ${secrets.join(' and ')}`);
  console.log('  deploy the Worker');
  if (provider) console.log(`  let people sign in at ${provider.issuer}`);
  console.log(isPolicyWanted ? '  let administrators sign in at devices, and nobody else' : '  let nobody sign in at a device yet');
  console.log('  print a link for the first administrator\n');
  if (!YES) await agree();
}

/** Returns whether the server runs and accepts the token. */
async function accepts(issuer, token) {
  if (!token) return false;
  try {
    return (await connect(issuer, token)('GET', '/tokens')).status === 200;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

async function answered(issuer, token) {
  process.stdout.write(`Waiting for ${issuer} ... `);
  const started = Date.now();
  while (!(await accepts(issuer, token))) {
    if (Date.now() - started > PATIENCE) {
      console.log('nothing');
      throw new UserError(`${issuer} does not answer yet, or not with this deployment. Check its route, then run the same command with the ADMIN_TOKEN below.`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  console.log('it answers');
}

// --- The link ---

async function invite(server) {
  const { link, ends_at } = await must('The link', server('POST', '/invitations', { body: { kind: 'first_administrator' } }));
  const until = new Date(ends_at * 1_000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  console.log(`\n${green('On this page, the first administrator makes an account, or signs in at a provider.')} It works once, until ${until}:\n\n    ${escaped(link)}\n`);
  console.log(dim('Whoever opens it first becomes an administrator, so send it to nobody else. Every other administrator hears about it.'));
}

/** Waits for a change; throws if the server refused it. `secret` is in no message. */
async function must(what, promise, { client_secret: secret } = {}) {
  const { status, body } = await promise;
  const said = () => problem(body).join('\n');
  if (status >= 300) throw new UserError(`${what}: ${secret ? said().replaceAll(secret, '…') : said()}`);
  return body;
}

function showSecrets() {
  if (made.length === 0) return;
  console.log(`\n${yellow('Keep these where you keep secrets. They are shown only once:')}\n`);
  for (const [name, secret] of made) console.log(`  ${name}  ${secret}`);
  console.log(dim('\nWithout MASTER_KEY the stored keys are lost. ADMIN_TOKEN is the way in when every other way is lost.'));
}
