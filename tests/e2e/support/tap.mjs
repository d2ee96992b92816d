// A proxy between a stock client and a server, which records their requests and answers.
//
// The client's issuer is the tap's address: the tap forwards `Host`, from which a development server takes its issuer.

import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import { until } from './bounded.mjs';
import { keepSecret, keepUserCode } from './secrets.mjs';

export async function startTap(server) {
  const exchanges = [];
  const proxy = createServer((request, response) => {
    pass(server, request, response).then((exchange) => exchanges.push(exchange), () => response.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const polls = () => exchanges.filter(({ form }) => form.grant_type?.endsWith(':device_code'));
  return {
    origin: `http://127.0.0.1:${proxy.address().port}`,
    /**
     * Returns the answers to the client's polls, with their time of arrival and whether they had `Authorization`:
     * `{ came, byHeader, status, error, … }`.
     */
    polls: () => polls().map(({ came, byHeader, status, answer }) => ({ came, byHeader, status, ...answer })),
    /** Waits for the client to get its codes, and returns them. */
    codes: () => until(() => exchanges.find(({ answer }) => answer.device_code)?.answer, 10_000, 'the client requested no code'),
    /** Waits until the client has polled `times` times. */
    polled: (times) => until(() => polls().length >= times, 20_000, `the client did not poll ${times} times`),
    async stop() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

async function pass(server, request, response) {
  const came = Date.now();
  const body = Buffer.concat(await request.toArray());
  const { method, headers, url } = request;
  const asked = forward(server.origin + url, { method, headers });
  asked.end(body);
  const [reply] = await once(asked, 'response');
  const text = Buffer.concat(await reply.toArray());
  response.writeHead(reply.statusCode, reply.headers);
  response.end(text);
  const byHeader = headers.authorization !== undefined;
  return { came, byHeader, url, status: reply.statusCode, form: Object.fromEntries(new URLSearchParams(body.toString())), answer: read(text) };
}

function read(text) {
  const answer = JSON.parse(text.toString());
  keepUserCode(answer.user_code);
  for (const name of ['device_code', 'access_token', 'id_token', 'refresh_token']) keepSecret(name, answer[name]);
  return answer;
}
