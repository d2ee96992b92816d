// A server whose demo clients are registered otherwise: their records are rewritten where the registry stores them.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startWorkerd, temporaryDirectory } from './harness.mjs';

/**
 * @param {Record<string, object>} changes by `client_id`, the members to put into its record
 * @param {object} [options] those of `startWorkerd`
 */
export async function startRegistered(changes, options = {}) {
  const home = temporaryDirectory();
  const dir = join(home.path, 'state');
  const first = await startWorkerd({ ...options, dir });
  await (await fetch(`${first.origin}/jwks.json`)).text();
  const [file] = first.sqliteFiles('Registry');
  await first.stop();
  rewrite(file, changes);
  const server = await startWorkerd({ ...options, dir });
  const { stop } = server;
  server.stop = async () => {
    await stop();
    home.remove();
  };
  return server;
}

function rewrite(file, changes) {
  const database = new DatabaseSync(file);
  for (const [client_id, members] of Object.entries(changes)) {
    const { record } = database.prepare('SELECT record FROM clients WHERE client_id = ?').get(client_id);
    const changed = JSON.stringify({ ...JSON.parse(record), ...members });
    database.prepare('UPDATE clients SET record = ? WHERE client_id = ?').run(changed, client_id);
  }
  database.close();
}
