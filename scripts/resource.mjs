// Lets clients of a development server ask for tokens for one more resource (RFC 8707), as an operator would: through the
// admin API. Their default stays what it was.

/** The token of `make dev`; it is public. */
const DEVELOPMENT_TOKEN = 'development-admin-token';

/** What went wrong, in a sentence; nothing if those of `clients` that exist may have tokens for `resource`. */
export async function allowResource(issuer, resource, clients) {
  for (const client_id of clients) {
    const answer = await append(issuer, resource, `${issuer}/admin/api/clients/${client_id}`);
    if (!answer.ok && answer.status !== 404) return `${client_id} cannot have tokens for ${resource}: ${await reason(answer)}`;
  }
}

/** The last answer of the admin API; the client is changed only if it has to be. */
async function append(issuer, resource, address) {
  const found = await ask(address);
  if (!found.ok) return found;
  const { audience = [] } = await found.json();
  if (audience.includes(resource)) return found;
  // The first is the default. Without any it is the issuer.
  const longer = { audience: [...(audience.length > 0 ? audience : [issuer]), resource] };
  return ask(address, JSON.stringify(longer), found.headers.get('etag'));
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
