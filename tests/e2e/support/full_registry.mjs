// Fills a server's registry to the quotas of clients and bytes (`src/registry/quota.rs`), past the admin API, which would
// take minutes.

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { Admin } from './admin.mjs';
import { DEVICE_GRANT } from './device.mjs';
import { knowClient } from './secrets.mjs';

const MIB = 2 ** 20;
const MONTH = 30 * 86_400_000;
const ANYONE = { registered_by: 'anyone', used_at: Date.now() };
/** How many clients one command brings along. */
const BATCH = 1_100;

/** A client with a name beyond ASCII, and with claims of many small values, which take much room once parsed. */
const model = {
  client_id: 'full',
  client_name: 'Wohnzimmer-Fernseher für Gäste',
  grant_types: [DEVICE_GRANT, 'refresh_token'],
  scope: 'openid profile email offline_access',
  token_endpoint_auth_method: 'none',
  contacts: ['first@example.com', 'second@example.com'],
  audience: ['https://api.example.com/', 'https://other.example.com/'],
  claims: [{ claim: 'tier', value: { level: 'gold', numbers: Array.from({ length: 400 }, (_, number) => number % 10) } }, { drop: 'name' }],
};

/** Names of clients in a full registry. */
export const someClients = Array.from({ length: 10 }, (_, number) => nameOf('full', number * 400));

/** Fills the registry of a server of `startWorkerd`, whose files are written while it is stopped. */
export async function fillFiles(server) {
  await new Admin(server).create(model);
  await server.kill9();
  const [file] = server.sqliteFiles('Registry');
  const database = new DatabaseSync(file);
  const put = database.prepare('INSERT INTO clients (client_id, record) VALUES (?, ?)');
  const end = database.prepare('INSERT INTO open_clients (client_id, ends_at) VALUES (?, ?)');
  database.exec('BEGIN');
  for (const { client_id, record } of copies(database.prepare('SELECT client_id, record FROM clients').all())) {
    put.run(client_id, record);
    if (JSON.parse(record).registered_by) end.run(client_id, ANYONE.used_at + MONTH);
  }
  database.exec('COMMIT');
  database.close();
  await server.restart();
}

/** Fills the registry of a server of `startWrangler`, with the command that stores demo clients. */
export async function fillByCommand(server) {
  await new Admin(server).create(model);
  const { REGISTRY } = await server.worker.getEnv();
  const ask = async (command) => JSON.parse(await REGISTRY.get(REGISTRY.idFromName('registry')).command(JSON.stringify(command)));
  const stored = await ask({ list_clients: { after: null, limit: 10 } });
  const clients = [...copies(stored.map((client) => ({ client_id: client.client_id, record: JSON.stringify(client) })))];
  for (let first = 0; first < clients.length; first += BATCH) {
    await ask({ seed_clients: { clients: clients.slice(first, first + BATCH).map(({ record }) => JSON.parse(record)) } });
  }
}

/** Yields copies of the model that fill both quotas. `stored` are the rows that the registry has. */
function* copies(stored) {
  const record = JSON.parse(stored.find(({ client_id }) => client_id === model.client_id).record);
  const bytes = stored.reduce((sum, row) => sum + Buffer.byteLength(row.record), 0);
  yield* padded(record, 'full', 5_000 - stored.length, 8 * MIB - bytes);
  yield* padded({ ...record, ...ANYONE }, 'open', 500, MIB);
  someClients.forEach(knowClient);
}

/** Yields `count` copies with an `owner` of such a length that together they have at most `bytes` bytes. */
function* padded(record, prefix, count, bytes) {
  const bare = Buffer.byteLength(JSON.stringify({ ...record, client_id: nameOf(prefix, 0), owner: '' }));
  const owner = 'x'.repeat(Math.floor(bytes / count) - bare);
  for (let number = 0; number < count; number += 1) {
    const client_id = nameOf(prefix, number);
    yield { client_id, record: JSON.stringify({ ...record, client_id, owner }) };
  }
}

function nameOf(prefix, number) {
  return `${prefix}-${String(number).padStart(4, '0')}`;
}
