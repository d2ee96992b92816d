// Phases a client out by two rules of the policy: from one day on it lets in nobody who was not in before, and from another
// day on nobody at all. Shows what would change, asks, and changes it. A second run with other days moves them.
//
//     ISSUER=https://login.example.com ADMIN_TOKEN=… CLIENT=old-tv NEW_UNTIL=2027-03-01 END=2027-07-01 scripts/phase-out
//
// Exits with 0 if nothing is left to change, 1 on an error, and 2 if DRY_RUN=1 found something to change.

import { UserError, adminToken, connect, escaped, issuerUrl, paint, problem } from './admin-api.mjs';
import { policyLines } from './policy-lines.mjs';
import { agree, close } from './questions.mjs';

const { CLIENT, NEW_UNTIL, END, MESSAGE, DRY_RUN, YES } = process.env;
const ISSUER = process.env.ISSUER || 'http://localhost:8787';
/** Members of the answer to GET /policy that are not part of the document. */
const READ_ONLY = ['version', 'author', 'reason', 'changed_at', 'revision', 'protects', 'warnings', 'changes'];
const LONGEST_NAME = 64;
const [dim, green] = [2, 32].map(paint);

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message.split('\n').map(escaped).join('\n'));
  process.exitCode = 1;
} finally {
  close();
}

async function main() {
  const rules = phases();
  const token = adminToken(issuerUrl(ISSUER));
  if (!token) throw new UserError('Set ADMIN_TOKEN to an admin token with the scope policy.');
  const ask = connect(ISSUER, token);
  const client = await ask('GET', `/clients/${encodeURIComponent(CLIENT)}`);
  if (client.status !== 200 && !(await isLetIn(ask))) throw new UserError(`${ISSUER} has no client ${CLIENT}`);

  const { body: now, etag } = await ask('GET', '/policy');
  if (now.version === 0) throw new UserError(`${ISSUER} has no policy yet: write one first (docs/governance.md)`);
  const body = { ...document(now), rules: withRules(now.rules ?? [], rules), reason: `${CLIENT} is phased out` };
  const { changes, warnings } = await must(ask('PUT', '/policy?dry_run=true', { body, etag }));
  if (changes.length === 0) return say(green('Nothing to change.'), 0);
  say(`${policyLines({ changes, warnings }).join('\n')}\n`);
  say(dim('If you apply the policy from a file, add these rules there, too.'));
  if (DRY_RUN) return 2;
  if (!YES) await agree('YES=1 skips the question, DRY_RUN=1 only shows the changes.');
  await must(ask('PUT', '/policy', { body, etag }));
  return say(green(`Done: ${escaped(CLIENT)} gets nobody new from ${NEW_UNTIL} on, and ends on ${END}.`), 0);
}

/** Returns whether the client is the URL of a document that the allow list lets in, by the URL or by its host. */
async function isLetIn(ask) {
  if (!URL.canParse(CLIENT)) return false;
  const { documents } = await must(ask('GET', '/documents'));
  return documents.some(({ entry }) => entry === CLIENT || entry === new URL(CLIENT).host);
}

/** Returns the two rules. */
function phases() {
  if (!CLIENT) throw new UserError('Which client? make phase-out CLIENT=old-tv NEW_UNTIL=2027-03-01 END=2027-07-01');
  const [newUntil, end] = [instant('NEW_UNTIL', NEW_UNTIL), instant('END', END)];
  if (newUntil >= end) throw new UserError(`END is ${END}: it must be later than NEW_UNTIL, which is ${NEW_UNTIL}`);
  const name = (suffix) => ruleName(CLIENT, suffix);
  const rule = (id, description, when) => ({ id, description, effect: 'deny', when: { clients: [CLIENT], ...when }, ...(MESSAGE && { message: MESSAGE }) });
  return [
    rule(name('no-new-people'), `${CLIENT} is phased out: it lets in nobody new`, { first: ['client'], time: { not_before: newUntil } }),
    rule(name('end'), `${CLIENT} is phased out: it has ended`, { time: { not_before: end } }),
  ];
}

/** Reads a date, or a date and time, as RFC 3339 writes it. A date is the beginning of its day in UTC. */
function instant(name, text) {
  const full = /^\d{4}-\d{2}-\d{2}$/.test(text ?? '') ? `${text}T00:00:00Z` : text;
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})$/.test(full ?? '') || Number.isNaN(Date.parse(full))) {
    throw new UserError(`${name} is ${text || 'missing'}: it must be a date such as 2027-03-01, or a date and time such as 2027-03-01T08:00:00+01:00`);
  }
  return new Date(full).toISOString().replace('.000Z', 'Z');
}

/** Returns a name for a rule about a client, whose identifier can have symbols that no name has. */
function ruleName(client, suffix) {
  const plain = client.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'client';
  return `${plain.slice(0, LONGEST_NAME - suffix.length - 1)}-${suffix}`;
}

function document(now) {
  return Object.fromEntries(Object.entries(now).filter(([name]) => !READ_ONLY.includes(name)));
}

/** Returns the rules with these in place of those that have their names. A rule about another client keeps its name. */
function withRules(before, rules) {
  for (const { id, when } of rules) {
    const found = before.find((rule) => rule.id === id);
    if (found && found.when?.clients?.join() !== when.clients.join()) throw new UserError(`The policy has a rule ${id} that is not about ${CLIENT}: give it another name first`);
  }
  const names = new Set(rules.map(({ id }) => id));
  return [...before.filter(({ id }) => !names.has(id)), ...rules];
}

async function must(asked) {
  const { status, body } = await asked;
  if (status !== 200) throw new UserError(problem(body).join('\n'));
  return body;
}

function say(line, code) {
  console.log(line);
  return code;
}
