// A request can arrive slowly on a bad network. Its tokens' lifetime starts when it has arrived, not when it began.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { clients } from './support/config.mjs';
import { DEVICE_GRANT, Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly, keepSecret } from './support/secrets.mjs';

let server;
before(async () => {
  server = await startWorkerd();
});
after(() => endDiscreetly(server));

/** Sends a form without its last byte, and that byte in the next second. Returns that second and the answer. */
async function sendSlowly(path, form) {
  const body = new URLSearchParams(form).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length };
  const slow = request(server.origin + path, { method: 'POST', headers });
  const answered = once(slow, 'response');
  await new Promise((sent) => slow.write(body.slice(0, -1), sent));
  const began = Math.floor(Date.now() / 1000);
  while (Math.floor(Date.now() / 1000) === began) await new Promise((soon) => setTimeout(soon, 50));
  const seconds = Math.floor(Date.now() / 1000);
  slow.end(body.slice(-1));
  const [response] = await answered;
  return { seconds, answer: JSON.parse((await response.toArray()).join('')) };
}

test('the lifetime of tokens starts when the whole request has arrived', async () => {
  const device = await Device.start(server);
  await new Person(server).approve(device.userCode);
  const { client_id } = clients.tv;

  const form = { device_code: device.codes.device_code, client_id, grant_type: DEVICE_GRANT };
  const { seconds, answer } = await sendSlowly('/token', form);

  ['access_token', 'id_token', 'refresh_token'].forEach((name) => keepSecret(`a slow ${name}`, answer[name]));
  const { iat } = decodeJwt(answer.access_token);
  assert.ok(iat >= seconds, `issued at ${iat}, but the request arrived at ${seconds}`);
});
