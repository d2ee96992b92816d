// A device that waits on a WebSocket for its person's decision.
//
//     const line = await listen(device);
//     await line.heard;                        // 'ask now'
//     await line.ended;                        // { messages: ['ask now'], code: 1000, reason: 'ask now' }
//     await refused(device, { code: 'x' });    // { status: 401, headers, text }

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { within } from './harness.mjs';

const LIMIT = 40_000;

/** Opens a WebSocket with the device's code. `headers` are sent, too. */
export async function listen({ codes, server }, { headers = {}, origin = server.origin } = {}) {
  const address = codes.devicegrant_instant_uri.replace(/^ws:\/\/[^/]*/, origin.replace('http', 'ws'));
  const socket = new WebSocket(address, { headers: { ...authorization(codes.device_code), ...headers } });
  socket.binaryType = 'arraybuffer';
  const messages = [];
  const heard = once(socket, 'message').then(([{ data }]) => data);
  socket.addEventListener('message', ({ data }) => messages.push(data));
  const closed = once(socket, 'close').then(([{ code, reason }]) => ({ messages, code, reason }));
  const failed = once(socket, 'error').then(([{ message }]) => assert.fail(`no WebSocket: ${message}`));
  await within(LIMIT, Promise.race([once(socket, 'open'), failed]), 'no WebSocket');
  failed.catch(() => {});
  return {
    /** The first message; `undefined` if the WebSocket ends without one. */
    get heard() {
      return within(LIMIT, Promise.race([heard, closed.then(() => undefined)]), 'no message');
    },
    /** How it ends: all messages, and the code and the reason of the end. workerd ends the connection once the object is idle. */
    get ended() {
      return within(LIMIT, closed, 'the WebSocket was not closed');
    },
    send: (data) => socket.send(data),
    close: () => socket.close(),
    isOpen: () => socket.readyState === WebSocket.OPEN,
  };
}

/** Asks for a WebSocket that the server refuses. Returns its answer. */
export async function refused(device, options) {
  const asked = upgrade(device, options);
  asked.end();
  const opened = once(asked, 'upgrade').then(([, socket]) => {
    socket.destroy();
    return assert.fail('the server has opened a WebSocket');
  });
  const answered = once(asked, 'response').then(async ([response]) => {
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return { status: response.statusCode, headers: response.headers, text };
  });
  opened.catch(() => {});
  return within(LIMIT, Promise.race([answered, opened]), 'no answer to an upgrade');
}

/** Opens a WebSocket and returns its connection, on which nothing follows RFC 6455 by itself. */
export async function rawSocket(device, options) {
  const asked = upgrade(device, options);
  asked.end();
  const [response, socket] = await within(LIMIT, once(asked, 'upgrade'), 'no WebSocket');
  assert.equal(response.statusCode, 101);
  return socket;
}

/** A frame as a client sends it, masked with zeros (RFC 6455 §5.2). Of a fragment, `final` is false. */
export function frame(opcode, text, final = true) {
  const payload = Buffer.from(text);
  assert.ok(payload.length < 126);
  return Buffer.concat([Buffer.from([(final ? 0x80 : 0) | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

function upgrade({ codes, client, server }, { code = codes.device_code, headers = {}, client_id = client.client_id } = {}) {
  const url = new URL(`/instant?${new URLSearchParams({ client_id })}`, server.origin);
  const handshake = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': randomBytes(16).toString('base64') };
  return request(url, { headers: { ...handshake, ...authorization(code), ...headers } });
}

function authorization(code) {
  return code === undefined ? {} : { authorization: `DeviceCode ${code}` };
}
