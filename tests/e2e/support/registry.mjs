// Changes a server's registry behind its back: stops the server, edits the rows, and starts it again.

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';

/** Makes every signing key older by `milliseconds`. */
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
 * Changes clients. `changes` has, by `client_id`, the members of its record to change. `origin` is where the server
 * answers.
 */
export async function changeClients(server, changes, origin = server.origin) {
  // The first request creates the registry.
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
