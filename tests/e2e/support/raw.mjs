// Sends requests that no well-behaved client would: any bytes, any headers, whole or in chunks.

import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { within } from './harness.mjs';

const agent = new Agent({ keepAlive: true, maxSockets: 4 });
const LIMIT = 10_000;

/**
 * Sends one request and waits for its answer, for at most 10 seconds. Sends `headers` unchanged, even `Host`. `chunked`
 * sends the body in chunks, without its length.
 */
export async function send(server, path, { method = 'POST', headers = {}, body = '', chunked = false } = {}) {
  const bytes = Buffer.from(body);
  const framing = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': bytes.length };
  const asked = request(server.origin + path, { method, agent, headers: { ...headers, ...framing } });
  // A server may answer and close the connection before it has read everything.
  asked.on('error', () => {});
  const answered = once(asked, 'response');
  asked.end(bytes);
  const [response] = await within(LIMIT, answered, `${method} ${path} was not answered`);
  response.setEncoding('utf8');
  const parts = await within(LIMIT, response.toArray(), `the answer to ${method} ${path} did not end`);
  return { status: response.statusCode, headers: response.headers, text: parts.join('') };
}

/** Writes bytes to the server's port, and reads until the connection closes or `milliseconds` have passed. */
export async function write(server, bytes, { half = false, milliseconds = LIMIT } = {}) {
  const { port, hostname } = new URL(server.origin);
  const socket = connect({ port, host: hostname });
  await once(socket, 'connect');
  socket.on('error', () => {});
  let answer = '';
  socket.setEncoding('latin1').on('data', (text) => (answer += text));
  if (half) socket.end(bytes, 'latin1');
  else socket.write(bytes, 'latin1');
  await within(milliseconds, once(socket, 'close'), 'the connection was not closed').catch(() => {});
  socket.destroy();
  return answer;
}
