// better-auth with its OAuth provider, as a Worker on D1. `POST /set-up` creates the tables, a client and a person.

import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { jwt } from 'better-auth/plugins';
import { DEVICE_CODE_GRANT_TYPE, oauthDeviceAuthorization, oauthProvider } from '@better-auth/oauth-provider';

const PERSON = { name: 'Alice', email: 'alice@example.com', password: 'wonderland-8787' };
const CLIENT = {
  clientId: 'demo-tv',
  name: 'Demo TV',
  redirectUris: [],
  grantTypes: [DEVICE_CODE_GRANT_TYPE, 'refresh_token'],
  scopes: ['openid', 'offline_access'],
  tokenEndpointAuthMethod: 'none',
  skipConsent: true,
  createdAt: new Date(),
  updatedAt: new Date(),
};

let auth;

export default {
  async fetch(request, env) {
    auth ??= betterAuth(options(env, new URL(request.url).origin));
    if (new URL(request.url).pathname === '/set-up') return setUp();
    return auth.handler(request);
  },
};

function options({ DB: database }, baseURL) {
  return {
    baseURL,
    database,
    secret: 'only-for-benchmarks-0123456789-abcdef',
    telemetry: { enabled: false },
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
    logger: { level: 'error' },
    plugins: [
      jwt({ jwks: { keyPairConfig: { alg: 'ES256' } } }),
      oauthProvider({ loginPage: '/sign-in', consentPage: '/consent', scopes: ['openid', 'offline_access'], silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true } }),
      oauthDeviceAuthorization({ expiresIn: '30m', interval: '0.001s', verificationUri: '/device' }),
    ],
  };
}

async function setUp() {
  const { runMigrations } = await getMigrations(auth.options);
  await runMigrations();
  const { adapter } = await auth.$context;
  await adapter.create({ model: 'oauthClient', data: CLIENT });
  await auth.api.signUpEmail({ body: PERSON });
  return new Response('ready');
}
