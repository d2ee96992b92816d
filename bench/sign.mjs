// What a token costs, by the algorithm it is signed with: the built Worker on raw workerd, one connection.
//
// A refresh signs one token, or two if `openid` is asked for. The difference of the two medians, taken in turn in the
// same run, is what the second token costs: its claims, its signature, the hop into WebCrypto. Absolute numbers say
// little about another machine; the ratios to ES256 were measured in the same run. `make bench`.

import { clients } from '../tests/e2e/config.mjs';
import { Device } from '../tests/e2e/device.mjs';
import { startWorkerd } from '../tests/e2e/harness.mjs';
import { Person } from '../tests/e2e/person.mjs';

const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'PS384', 'PS512', 'EdDSA'];
const SAMPLES = 600;
const ADMIN = 'development-admin-token';

const server = await startWorkerd({ vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: '1000' } });

try {
  const rows = [];
  for (const alg of ALGORITHMS) rows.push({ alg, ...(await measure(alg)) });
  const [reference] = rows;
  console.log(`\n${''.padEnd(10)}${'refresh, ms'.padStart(18)}${'per token'.padStart(11)}${'x ES256'.padStart(9)}${'signature'.padStart(11)}${'token'.padStart(8)}`);
  console.log(`${''.padEnd(10)}${'one token'.padStart(10)}${'two'.padStart(8)}${'ms'.padStart(11)}${''.padStart(9)}${'bytes'.padStart(11)}${'bytes'.padStart(8)}`);
  for (const { alg, one, two, signature, token } of rows) {
    const cost = two - one;
    const cells = [one.toFixed(2).padStart(10), two.toFixed(2).padStart(8), cost.toFixed(2).padStart(11)];
    cells.push((cost / (reference.two - reference.one)).toFixed(1).padStart(9), String(signature).padStart(11), String(token).padStart(8));
    console.log(alg.padEnd(10) + cells.join(''));
  }
} finally {
  await server.stop();
}

/** Medians in milliseconds, sizes in bytes. */
async function measure(alg) {
  console.log(`Signing with ${alg}`);
  await signWith(alg);
  const device = await Device.start(server, { client: clients.printer });
  await new Person(server).approve(device.userCode);
  await device.redeem();
  const refresh = async (scope) => {
    const start = performance.now();
    const answer = await device.refresh(undefined, { scope });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.error));
    return performance.now() - start;
  };
  const [one, two] = [[], []];
  for (let i = -50; i < SAMPLES; i++) {
    const times = [await refresh('email'), await refresh('openid email')];
    if (i < 0) continue;
    one.push(times[0]);
    two.push(times[1]);
  }
  const { id_token } = device.tokens;
  const signature = Buffer.from(id_token.split('.')[2], 'base64url').length;
  return { one: median(one), two: median(two), signature, token: id_token.length };
}

function median(times) {
  return times.sort((a, b) => a - b)[times.length >> 1];
}

async function signWith(alg) {
  const change = { access_token_signed_response_alg: alg, id_token_signed_response_alg: alg };
  const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json', 'if-match': '*' };
  const response = await fetch(`${server.origin}/admin/api/clients/demo-printer`, { method: 'PATCH', headers, body: JSON.stringify(change) });
  if (!response.ok) throw new Error(await response.text());
}
