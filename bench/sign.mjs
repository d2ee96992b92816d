// What a token costs, by the algorithm it is signed with: the built Worker on raw workerd, one connection.
//
// A refresh signs one token, or two if `openid` is asked for. What the second one takes more, its claims, its signature
// and the way into WebCrypto, is what a token costs; the median over many pairs, with the algorithms in turn, so that
// whatever else the machine does falls on all of them. Absolute numbers say little about another machine; the ratios to
// ES256 were measured in the same run. `make bench`.

import { Device } from '../tests/e2e/support/device.mjs';
import { startWorkerd } from '../tests/e2e/support/harness.mjs';
import { Person } from '../tests/e2e/support/person.mjs';

const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'PS384', 'PS512', 'EdDSA'];
const ROUNDS = 400;
const WARM_UP = 30;
const ADMIN = 'development-admin-token';

const server = await startWorkerd({ vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: '1000' } });

try {
  const signers = [];
  for (const alg of ALGORITHMS) signers.push({ alg, device: await signedIn(alg), one: [], more: [] });
  console.log(`${ROUNDS} refreshes with each algorithm`);
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const { device, one, more } of signers) {
      const [alone, both] = [await refresh(device, 'email'), await refresh(device, 'openid email')];
      if (round < 0) continue;
      one.push(alone);
      more.push(both - alone);
    }
  }
  const reference = median(signers[0].one);
  const heads = ['refresh, ms', 'x ES256', 'a token more, ms', 'signature, bytes', 'ID token, bytes'];
  console.log(`\n${''.padEnd(8)}${heads.map((head) => head.padStart(18)).join('')}`);
  for (const { alg, device, one, more } of signers) {
    const { id_token } = device.tokens;
    const signature = Buffer.from(id_token.split('.')[2], 'base64url').length;
    const cells = [median(one).toFixed(2), (median(one) / reference).toFixed(2), resolved(median(more)), signature, id_token.length];
    console.log(alg.padEnd(8) + cells.map((cell) => String(cell).padStart(18)).join(''));
  }
} finally {
  await server.stop();
}

/** In milliseconds. */
async function refresh(device, scope) {
  const start = performance.now();
  const answer = await device.refresh(undefined, { scope });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.error));
  return performance.now() - start;
}

/** A difference that is smaller than what two such medians differ by from run to run is not one. */
function resolved(milliseconds) {
  return milliseconds < 0.05 ? '< 0.05' : milliseconds.toFixed(2);
}

function median(times) {
  return times.toSorted((a, b) => a - b)[times.length >> 1];
}

/** A device of a client of its own, whose tokens are signed so. */
async function signedIn(alg) {
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
  const { client_id } = await response.json();
  const device = await Device.start(server, { client: { client_id } });
  await new Person(server).approve(device.userCode);
  await device.redeem();
  return device;
}
