// A proxy in front of a server, in place of Cloudflare's edge. It has its own address, and adds client certificates.
//
//     const front = await openEdge();                          // its address is known before the server starts
//     const server = await startWorkerd({ vars: { ISSUER: front.origin } });
//     front.to(server);
//     front.certificate = shown({ subject: 'CN=printer' });    // what the platform reports of a certificate

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

/**
 * @param {string} [hostname] of its address
 * @param {{ key: Buffer, cert: Buffer }} [tls] what it speaks TLS with; it speaks plain HTTP without
 */
export async function openEdge(hostname = '127.0.0.1', tls) {
  let server;
  const edge = {
    /** The certificate of every client, in the form of `request.cf.tlsClientAuth`; `undefined` for none. */
    certificate: undefined,
    to: (target) => (server = target),
    close: async () => {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
  const passOn = ({ method, url, headers }) => {
    const added = { ...(tls && { 'x-test-proto': 'https' }), ...(edge.certificate && { 'x-test-cf': JSON.stringify({ tlsClientAuth: edge.certificate }) }) };
    return forward(server.origin + url, { method, headers: { ...headers, ...added } });
  };
  const pass = async (request, response) => {
    const asked = passOn(request);
    asked.on('error', () => response.destroy());
    asked.end(Buffer.concat(await request.toArray()));
    const [reply] = await once(asked, 'response');
    response.writeHead(reply.statusCode, reply.headers);
    reply.pipe(response);
  };
  const proxy = tls ? createSecureServer(tls, pass) : createServer(pass);
  proxy.on('upgrade', (request, socket) => {
    passOn(request).on('upgrade', (reply, other) => {
      const headers = Object.entries(reply.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join('')}\r\n`);
      socket.pipe(other).pipe(socket);
      for (const [one, its] of [[socket, other], [other, socket]]) one.on('error', () => its.destroy()).on('close', () => its.destroy());
    }).on('error', () => socket.destroy()).end();
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return Object.assign(edge, { origin: `${tls ? 'https' : 'http'}://${hostname}:${proxy.address().port}` });
}

/** Returns what Cloudflare reports about a certificate. `der` stands for its bytes. */
export function shown({ subject = '', der = subject, verified = 'SUCCESS', ...others } = {}) {
  return {
    certPresented: '1',
    certVerified: verified,
    certRevoked: '0',
    certSubjectDNRFC2253: subject,
    certFingerprintSHA256: createHash('sha256').update(der).digest('hex'),
    certNotBefore: openssl(Date.now() - 86_400_000),
    certNotAfter: openssl(Date.now() + 86_400_000),
    ...others,
  };
}

/** Formats an instant as OpenSSL does: `Dec  2 05:39:00 2026 GMT`. */
export function openssl(milliseconds) {
  const [, day, month, year, time] = new Date(milliseconds).toUTCString().split(' ');
  return `${month} ${String(Number(day)).padStart(2)} ${time} ${year} GMT`;
}
