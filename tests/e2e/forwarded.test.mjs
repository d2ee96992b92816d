// RFC 9700 §4.13: claims of a client about its own address, host and scheme are ignored.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { from } from './support/places.mjs';
import { endDiscreetly } from './support/secrets.mjs';

const LIVE_CODES = 3;

let server;
before(async () => {
  server = await startWorkerd({ vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: String(LIVE_CODES) } });
});
after(() => endDiscreetly(server));

/** Returns every header in which a client could claim an address, with a different one for each `number`. */
const claimed = (number) => ({
  'x-forwarded-for': `203.0.113.${number}`,
  'x-real-ip': `203.0.113.${number}`,
  'x-client-ip': `203.0.113.${number}`,
  'true-client-ip': `203.0.113.${number}`,
  forwarded: `for=203.0.113.${number};host=evil.example;proto=https`,
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'https',
  'x-original-url': '/healthz',
  'cf-ipcountry': 'FR',
  'cf-ipcity': 'Lyon',
});

test('s9_a_clients_claims_about_its_own_address_are_ignored', async () => {
  const headers = (number) => ({ ...claimed(number), ...from('198.51.100.1') });

  const metadata = await fetch(`${server.origin}/.well-known/oauth-authorization-server`, { headers: headers(0) });
  assert.equal((await metadata.json()).issuer, server.origin, 'neither host nor scheme is believed');

  let last;
  for (let number = 1; number <= LIVE_CODES; number += 1) last = await Device.start(server, { headers: headers(number) });
  assert.ok(last.codes.verification_uri.startsWith(server.origin));
  const beyond = await new Device(server, { headers: headers(LIVE_CODES + 1) }).start();
  assert.equal(beyond.status, 429, 'the client counts as one network, whatever it claims');
  await Device.start(server, { headers: { ...claimed(1), ...from('198.51.100.2') } });

  const alice = new Person(server, { headers: headers(9) });
  await alice.consider(last.userCode);
  assert.match(alice.page.html, /Unknown place/);
  assert.doesNotMatch(alice.page.html, /Lyon/);
});
