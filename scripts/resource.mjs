// Lets clients of a development server ask for tokens for one more resource (RFC 8707), as an operator would: through the
// admin API. Their default stays what it was.

/** The token of `make dev`; it is public. */
const DEVELOPMENT_TOKEN = 'development-admin-token';

/** What went wrong, in a sentence; nothing if those of `clients` that exist may have tokens for `resource`. */
export async function allowResource(issuer, resource, clients) {
  for (const client_id of clients) {
    const address = `${issuer}/admin/api/clients/${client_id}`;
    const found = await ask(address);
    if (found.status === 404) continue;
    const { audience = [] } = await found.json();
    if (found.ok && audience.includes(resource)) continue;
    // Without any, the issuer is the default; the first is.
    const longer = JSON.stringify({ audience: [...(audience.length > 0 ? audience : [issuer]), resource] });
    const changed = found.ok ? await ask(address, longer, found.headers.get('etag')) : found;
    if (!changed.ok) return `${client_id} cannot ask for tokens for ${resource}: ${await reason(changed)}`;
  }
}

function ask(address, body, etag) {
  const authorization = `Bearer ${process.env.ADMIN_TOKEN || DEVELOPMENT_TOKEN}`;
  const change = body && { 'content-type': 'application/merge-patch+json', 'if-match': etag };
  return fetch(address, { method: body ? 'PATCH' : 'GET', headers: { authorization, ...change }, body });
}

async function reason(response) {
  const { errors, title, detail } = await response.json().catch(() => ({ title: response.status, detail: response.statusText }));
  return errors?.[0].detail ?? `${title}. ${detail}`;
}
