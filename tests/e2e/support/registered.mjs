// Starts a server, and changes its demo clients through the admin API.

import assert from 'node:assert/strict';
import { Admin } from './admin.mjs';
import { startWorkerd } from './harness.mjs';

/**
 * @param {Record<string, object>} changes by `client_id`, the members to change
 * @param {object} [options] the options of `startWorkerd`
 */
export async function startRegistered(changes, options) {
  const server = await startWorkerd(options);
  const admin = new Admin(server);
  for (const [client_id, body] of Object.entries(changes)) {
    const answer = await admin.ask('PATCH', `/clients/${client_id}`, { body, ifMatch: '*' });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  }
  return server;
}
