// A stand-in for Cloudflare's siteverify, as documented: it knows one secret key, and accepts each token once.
//
//     const siteverify = await openSiteverify();
//     const server = await startWorkerd({ vars: { ...siteverify.vars, TURNSTILE: 'always' } });
//     const token = siteverify.solve();         // the token that the widget would put into the form

import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { keepSecret } from './secrets.mjs';

const SITE_KEY = '0x4AAAAAAAsitekeyofours0';
const SECRET_KEY = keepSecret('the Turnstile secret key', '0x4AAAAAAAsecretkeyofours0123456789');

export async function openSiteverify() {
  const solved = new Map();
  const asked = [];
  let tokens = 0;
  const siteverify = {
    /** The requests that it received. */
    asked,
    /** Answers instead of siteverify if set: `(response) => …`. */
    instead: undefined,
    /** Returns a token, as if a person had passed the widget on a page of `hostname`. */
    solve({ hostname = '127.0.0.1', action = 'device_code' } = {}) {
      const token = keepSecret('a Turnstile token', `0.token-${(tokens += 1)}-${'x'.repeat(200)}`);
      solved.set(token, { hostname, action });
      return token;
    },
  };

  const server = createServer(async (request, response) => {
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    asked.push({ method: request.method, path: request.url, form });
    if (siteverify.instead) return siteverify.instead(response);
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(JSON.stringify(verdict(form)));
  });

  function verdict({ secret, response }) {
    if (secret !== SECRET_KEY) return { success: false, 'error-codes': ['invalid-input-secret'], messages: [] };
    const found = solved.get(response);
    if (!found) return { success: false, 'error-codes': ['invalid-input-response'], messages: [] };
    if (found.spent) return { success: false, 'error-codes': ['timeout-or-duplicate'], messages: [] };
    found.spent = true;
    const { hostname, action } = found;
    return { success: true, 'error-codes': [], challenge_ts: new Date().toISOString(), hostname, action, cdata: '' };
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(siteverify, {
    /** The settings of a server that verifies tokens here. */
    vars: {
      TURNSTILE_SITE_KEY: SITE_KEY,
      TURNSTILE_SECRET_KEY: SECRET_KEY,
      TURNSTILE_SITEVERIFY_URL: `http://127.0.0.1:${server.address().port}/siteverify`,
    },
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  });
}
