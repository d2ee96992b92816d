// Changes clients in the registry of a server that runs, as an operator would: the object's rows, while it is down.

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';

/** Makes every signing key of a server that runs older by so many milliseconds: its rows, while it is down. */
export async function ageKeys(server, milliseconds) {
  await server.kill9();
  for (const file of server.sqliteFiles('Registry')) {
    const database = new DatabaseSync(file);
    for (const { kid, record } of database.prepare('SELECT kid, record FROM signing_keys').all()) {
      const older = (name, value) => (['created_at', 'signs_from', 'retired_at'].includes(name) ? value - milliseconds : value);
      database.prepare('UPDATE signing_keys SET record = ? WHERE kid = ?').run(JSON.stringify(JSON.parse(record, older)), kid);
    }
    database.close();
  }
  await server.restart();
}

/**
 * `changes` are the clients by identifier, each with the members of its record that are to be others; `origin` is where
 * the server answers.
 */
export async function changeClients(server, changes, origin = server.origin) {
  // The first request makes the registry.
  assert.equal((await fetch(`${origin}/.well-known/openid-configuration`)).status, 200);
  await server.kill9();
  for (const file of server.sqliteFiles('Registry')) {
    const database = new DatabaseSync(file);
    for (const [client_id, change] of Object.entries(changes)) {
      const { record } = database.prepare('SELECT record FROM clients WHERE client_id = ?').get(client_id);
      const changed = JSON.stringify({ ...JSON.parse(record), ...change });
      database.prepare('UPDATE clients SET record = ? WHERE client_id = ?').run(changed, client_id);
    }
    database.close();
  }
  await server.restart();
}
