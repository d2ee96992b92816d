// A server behind a front that speaks TLS, for clients that insist on https. The certificate is from an authority that
// this process trusts, and that programs are told to trust by their environment (`trusting`).

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { openEdge } from './edge.mjs';
import { startWorkerd, temporaryDirectory } from './harness.mjs';

const { path: directory } = temporaryDirectory();
const file = (name) => join(directory, name);

issue('authority', '/CN=Authority of the tests', ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign']);
issue('server', '/CN=127.0.0.1', ['basicConstraints=critical,CA:FALSE', 'extendedKeyUsage=serverAuth', 'subjectAltName=IP:127.0.0.1'], 'authority');
tls.setDefaultCACertificates([...tls.getCACertificates(), readFileSync(file('authority.pem'), 'utf8')]);

/** The variables by which Node, OpenSSL (and so Python and Go), requests and curl learn of the authority. */
export const trusting = Object.fromEntries(
  ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'].map((name) => [name, file('authority.pem')]),
);

/**
 * Starts a server. Its `origin` is its issuer.
 *
 * @param {object} [options]
 * @param {string} [options.path] of the issuer, such as `/tenant/v2.0`
 * @param {Record<string, string>} [options.vars] settings besides ISSUER
 */
export async function startSecure({ path = '', vars = {} } = {}) {
  const front = await openEdge('127.0.0.1', { key: readFileSync(file('server.key')), cert: readFileSync(file('server.pem')) });
  const origin = front.origin + path;
  const server = await startWorkerd({ vars: { ISSUER: origin, ...vars } });
  front.to(server);
  return {
    origin,
    logs: server.logs,
    async stop() {
      await front.close();
      await server.stop();
    },
  };
}

/** Makes a key and a certificate, signed by `issuer` or by itself. */
function issue(name, subject, extensions, issuer) {
  const signer = issuer ? ['-CA', file(`${issuer}.pem`), '-CAkey', file(`${issuer}.key`)] : [];
  const fields = ['-subj', subject, '-days', '2', ...extensions.flatMap((extension) => ['-addext', extension])];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', file(`${name}.key`)];
  execFileSync('openssl', ['req', '-x509', ...key, ...fields, ...signer, '-out', file(`${name}.pem`)], { stdio: 'pipe' });
}
