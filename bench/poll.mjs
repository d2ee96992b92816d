// Measures what a poll costs: the built Worker on plain workerd, with this process as the load, on one machine.
//
// Absolute times say little about other machines. Compare the ratios to the floor, which is measured in the same run:
// `/healthz`, the same Worker without a hop to an object. Run it with `make bench`.

import http from 'node:http';
import { startWorkerd } from '../tests/e2e/support/harness.mjs';

const GRANTS = 400;
const SAMPLES = 3_000;
const CONNECTIONS = 16;
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code';

const server = await startWorkerd({
  vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: '10000', POLL_INTERVAL_SECONDS: '1', CODE_LIFETIME_SECONDS: '1800' },
});
const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });

try {
  console.log(`Starting ${GRANTS} grants...`);
  const codes = [];
  for (let i = 0; i < GRANTS; i++) {
    const { body } = await send('/device_authorization', { client_id: 'demo-tv', scope: 'openid' });
    codes.push(JSON.parse(body).device_code);
  }
  let next = 0;
  const poll = () => send('/token', { grant_type: GRANT_TYPE, client_id: 'demo-tv', device_code: codes[next++ % codes.length] });
  const kinds = {
    'floor: GET /healthz, no hop': () => send('/healthz'),
    'forged code, answered at the edge': () =>
      send('/token', { grant_type: GRANT_TYPE, client_id: 'demo-tv', device_code: 'x'.repeat(99) }),
    'pending poll, one hop': poll,
    'device authorization, two hops that write': () => send('/device_authorization', { client_id: 'demo-tv' }),
  };
  for (const once of Object.values(kinds)) await measure(once, 300, CONNECTIONS);
  const rows = [];
  for (const [what, once] of Object.entries(kinds)) {
    const alone = await measure(once, SAMPLES / 3, 1);
    const together = await measure(once, SAMPLES, CONNECTIONS);
    rows.push({ what, median: alone.median, p99: alone.p99, perSecond: together.perSecond });
  }
  const floor = rows[0];
  console.log(`\n${'one connection'.padStart(62)}${`${CONNECTIONS} connections`.padStart(26)}`);
  console.log(`${''.padEnd(44)}${'median ms'.padStart(11)}${'p99 ms'.padStart(9)}${'x floor'.padStart(9)}${'per s'.padStart(9)}${'of floor'.padStart(10)}`);
  for (const { what, median, p99, perSecond } of rows) {
    const cells = [median.toFixed(2).padStart(11), p99.toFixed(2).padStart(9), (median / floor.median).toFixed(1).padStart(9)];
    cells.push(perSecond.toFixed(0).padStart(9), `${((100 * perSecond) / floor.perSecond).toFixed(0)} %`.padStart(10));
    console.log(`${what.padEnd(44)}${cells.join('')}`);
  }
} finally {
  agent.destroy();
  await server.stop();
}

/** Runs `once` `count` times over `connections` connections. Times are in milliseconds. */
async function measure(once, count, connections) {
  const times = [];
  let left = count;
  const began = performance.now();
  const worker = async () => {
    while (left-- > 0) {
      const start = performance.now();
      const { status } = await once();
      times.push(performance.now() - start);
      if (status >= 500) throw new Error(`status ${status}`);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  const seconds = (performance.now() - began) / 1_000;
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)], perSecond: count / seconds };
}

function send(path, form) {
  const body = form && new URLSearchParams(form).toString();
  const headers = body ? { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) } : {};
  return new Promise((resolve, reject) => {
    const request = http.request(`${server.origin}${path}`, { agent, method: body ? 'POST' : 'GET', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, body: text }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}
