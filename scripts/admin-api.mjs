// The admin API of a running server, for the scripts, and text from it that a terminal may show.

/** The admin token of `make dev`. It is public, and sent only to a server on this machine. */
const DEVELOPMENT_TOKEN = 'development-admin-token';

/** An error that the user of a script can fix. */
export class UserError extends Error {}

/**
 * Returns a text from the server as one line that cannot control the terminal: what is invisible, except the joiners of
 * some scripts and emoji, becomes `\u{…}`.
 */
export const escaped = (text) => text.replace(/(?![\t\u200c\u200d\ufe0f])[\p{C}\p{Zl}\p{Zp}\p{DI}]/gu, (symbol) => `\\u{${symbol.codePointAt(0).toString(16)}}`);

/** Returns a function that colors a text, if standard output is a terminal that shows colors. */
export function paint(code) {
  const colors = process.env.NO_COLOR ? false : process.env.FORCE_COLOR ? true : process.stdout.isTTY;
  return (text) => (colors ? `\x1b[${code}m${text}\x1b[0m` : text);
}

/** Returns whether a host is this machine. */
export const isLocal = (host) => ['127.0.0.1', 'localhost', '[::1]'].includes(host);

/** Parses an issuer. Throws if it cannot be one. */
export function issuerUrl(issuer) {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (!url || (url.protocol !== 'https:' && !isLocal(url.hostname))) throw new UserError(`ISSUER is ${issuer}: it must be an https URL, or a loopback address`);
  return url;
}

/** Returns the admin token to use: that in the environment, or on this machine the public one. */
export function adminToken(url) {
  return process.env.ADMIN_TOKEN || (isLocal(url.hostname) ? DEVELOPMENT_TOKEN : undefined);
}

/** Returns a function that sends requests to the admin API. It throws unless it gets an answer that says something. */
export function connect(issuer, token) {
  const base = `${issuer.replace(/\/$/, '')}/admin/api`;

  return async function ask(method, path, { body, etag } = {}) {
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }), ...(etag && { 'if-match': etag }) };
    let response;
    try {
      // A redirect would send the token to another server.
      response = await fetch(base + path, { method, headers, body: body && JSON.stringify(body), redirect: 'error' });
    } catch (error) {
      throw new UserError(`${issuer} cannot be reached: ${reason(error)}`);
    }
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const answer = { status: response.status, etag: response.headers.get('etag'), body: isJson ? JSON.parse(text) : undefined, text };
    if (answer.status === 401) throw new UserError(`${issuer} does not accept this ADMIN_TOKEN`);
    if (answer.status === 404 && !isJson) throw new UserError(`${issuer} has no admin API: is ADMIN_TOKEN_SHA256 set there?`);
    if (answer.status === 403) throw new UserError(`${issuer}: ${answer.body?.detail ?? text.trim()}`);
    if (answer.status === 429 || answer.status >= 500) throw new UserError(`${issuer}: ${answer.body ? `${answer.body.title}. ${answer.body.detail}` : text.trim()}`);
    return answer;
  };
}

/** Returns why a request failed, in a few words. */
export function reason(error) {
  return error.cause?.code ?? error.cause?.message ?? error.message;
}

/** Returns the messages of a problem document (RFC 9457), one per line. */
export function problem({ title, detail, errors }) {
  return errors?.map((error) => error.detail) ?? [`${title}: ${detail}`];
}
