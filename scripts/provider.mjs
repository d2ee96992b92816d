// Adds the OpenID Provider of `make dev UPSTREAM=1` to those of a development server, as an operator would.

import { CLIENT } from '../tests/e2e/support/oidc_provider.mjs';

/** Adds the provider with this issuer, unless it is there. Returns `undefined`, or one sentence on what went wrong. */
export async function addProvider(server, issuer) {
  const provider = { id: 'example', name: 'Example Provider', issuer, ...CLIENT, scope: 'openid profile email groups' };
  const headers = { authorization: `Bearer ${process.env.ADMIN_TOKEN || 'development-admin-token'}`, 'content-type': 'application/json' };
  const answer = await fetch(`${server}/admin/api/providers`, { method: 'POST', headers, body: JSON.stringify(provider) });
  if (!answer.ok && answer.status !== 409) return `The provider cannot be added: ${await answer.text()}`;
}
