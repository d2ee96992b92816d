// Measures what a token costs with each signing algorithm: the built Worker on plain workerd, over one connection.
//
// A refresh signs one token, or two with the scope `openid`. The extra time for two is the cost of a token: its claims,
// its signature and the calls to WebCrypto. The result is the median over many pairs. The algorithms take turns, so
// that other load on the machine affects all of them equally. Absolute times say little about other machines; compare the
// ratios to ES256, which is measured in the same run. Run it with `make bench`.

import { Device } from '../tests/e2e/support/device.mjs';
import { startWorkerd } from '../tests/e2e/support/harness.mjs';
import { Person } from '../tests/e2e/support/person.mjs';

const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'PS384', 'PS512', 'EdDSA'];
const ROUNDS = 100;
const WARM_UP = 20;
/** Pairs of refreshes of one device. */
const REFRESHED = 5;
const ADMIN = 'development-admin-token';

const server = await startWorkerd({ vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: '1000' } });

const person = new Person(server);

try {
  const signers = [];
  for (const alg of ALGORITHMS) signers.push({ alg, client: await register(alg), one: [], extra: [] });
  console.log(`Measuring ${ROUNDS} pairs of refreshes with each algorithm...`);
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const signer of signers) {
      const { one, extra } = signer;
      // A family may be refreshed only so often.
      if (round % REFRESHED === 0) signer.device = await signedIn(signer.client);
      const { device } = signer;
      const [alone, both] = [await refresh(device, 'email'), await refresh(device, 'openid email')];
      if (round < 0) continue;
      one.push(alone);
      extra.push(both - alone);
    }
  }
  const reference = median(signers[0].one);
  const heads = ['refresh, ms', 'x ES256', 'extra token, ms', 'signature, bytes', 'ID token, bytes'];
  console.log(`\n${''.padEnd(8)}${heads.map((head) => head.padStart(18)).join('')}`);
  for (const { alg, device, one, extra } of signers) {
    const { id_token } = device.tokens;
    const signature = Buffer.from(id_token.split('.')[2], 'base64url').length;
    const cells = [median(one).toFixed(2), (median(one) / reference).toFixed(2), resolved(median(extra)), signature, id_token.length];
    console.log(alg.padEnd(8) + cells.map((cell) => String(cell).padStart(18)).join(''));
  }
} finally {
  await server.stop();
}

/** Refreshes with `scope`. Returns the milliseconds that took. */
async function refresh(device, scope) {
  const start = performance.now();
  const answer = await device.refresh(undefined, { scope });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.error));
  return performance.now() - start;
}

/** Formats milliseconds. Anything under 0.05 is lost in the noise between runs. */
function resolved(milliseconds) {
  return milliseconds < 0.05 ? '< 0.05' : milliseconds.toFixed(2);
}

function median(times) {
  return times.toSorted((a, b) => a - b)[times.length >> 1];
}

/** Registers a client whose tokens are signed with `alg`. */
async function register(alg) {
  const client = {
    client_name: `Signs with ${alg}`,
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    scope: 'openid profile email offline_access',
    token_endpoint_auth_method: 'none',
    access_token_signed_response_alg: alg,
    id_token_signed_response_alg: alg,
  };
  const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' };
  const response = await fetch(`${server.origin}/admin/api/clients`, { method: 'POST', headers, body: JSON.stringify(client) });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

/** Returns a signed-in device of a client. */
async function signedIn({ client_id }) {
  const device = await Device.start(server, { client: { client_id } });
  await person.approve(device.userCode);
  await device.redeem();
  return device;
}
