// Examines a running server, from outside and through its admin API, and says what to do about what it finds.
//
//     ISSUER=https://login.example.com ADMIN_TOKEN=… scripts/doctor [--json]
//
// Exits with 0 if the server can do its work, 1 if there is a problem, and 2 if it could not be examined.

import { parseArgs } from 'node:util';
import { UserError, escaped } from './admin-api.mjs';
import { examine, show } from './examination.mjs';

const { values } = parseArgs({ options: { json: { type: 'boolean' } } });
const json = values.json || Boolean(process.env.JSON);
const { ISSUER = 'http://127.0.0.1:8787' } = process.env;

try {
  const checks = await examine(ISSUER);
  const ok = !checks.some(({ state }) => state === 'problem');
  if (json) console.log(JSON.stringify({ issuer: ISSUER, ok, checks }, null, 2));
  else show(ISSUER, checks);
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  if (json) console.log(JSON.stringify({ issuer: ISSUER, ok: false, error: error.message }, null, 2));
  else console.error(error.message.split('\n').map(escaped).join('\n'));
  process.exitCode = 2;
}
