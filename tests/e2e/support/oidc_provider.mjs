// The OpenID Provider of `npm i oidc-provider`, as a program: node oidc_provider.mjs PORT CALLBACK [BACKCHANNEL]
//
// Everybody in `people` signs in with any password. `make dev UPSTREAM=1` runs it, too.

import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { fileURLToPath } from 'node:url';

export const CLIENT = { client_id: 'device-grant', client_secret: 'rp-secret-of-thirty-two-characters' };

const people = {
  carol: { name: 'Carol Example', email: 'carol@example.com', email_verified: true, preferred_username: 'carol', groups: ['developers', 'printers'] },
  dave: { name: 'Dave Example', email: 'dave@example.com', email_verified: true, preferred_username: 'dave', groups: [] },
};

/** Starts a provider on a loopback port; 0 chooses one. Resolves when it listens. It does not know `leavers` any more. */
export async function serveProvider({ port, issuerOf, callback, backchannel, leavers = new Set() }) {
  const server = createServer((request, response) => serve(request, response));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const provider = new Provider(issuerOf(server.address().port), {
    clients: [
      {
        ...CLIENT,
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [callback],
        ...(backchannel && { backchannel_logout_uri: backchannel, backchannel_logout_session_required: true }),
      },
    ],
    cookies: { keys: ['only-for-tests'] },
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    claims: { openid: ['sub', 'auth_time'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'], groups: ['groups'] },
    // The claims of scopes are then only at the userinfo endpoint.
    conformIdTokenClaims: true,
    features: {
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
    },
    // Without it, there is no back-channel logout to loopback addresses.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    // It takes `offline_access` only with `prompt=consent`, which nobody sends.
    issueRefreshToken: (context, client) => client.grantTypeAllowed('refresh_token'),
    // A new refresh token at every use, as from most providers.
    rotateRefreshToken: true,
    findAccount(context, id) {
      if (people[id] && !leavers.has(id)) return { accountId: id, claims: () => ({ sub: id, ...people[id] }) };
    },
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 600, IdToken: 600, AuthorizationCode: 60 },
  });
  const serve = provider.callback();
  return { provider, server };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port = '8870', callback = 'http://127.0.0.1:8787/callback/example', backchannel] = process.argv.slice(2);
  await serveProvider({ port: Number(port), issuerOf: (used) => `http://127.0.0.1:${used}`, callback, backchannel });
  console.log('listening');
}
