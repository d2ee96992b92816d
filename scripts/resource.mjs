// Adds a resource (RFC 8707) to those that clients of a development server can get tokens for. Uses the admin API, as
// an operator would. The clients' default resource does not change.

/** The admin token of `make dev`. It is public. */
const DEVELOPMENT_TOKEN = 'development-admin-token';

/** Adds `resource` to each of `clients` that exists. Returns `undefined`, or one sentence on what went wrong. */
export async function allowResource(issuer, resource, clients) {
  for (const client_id of clients) {
    const answer = await append(issuer, resource, `${issuer}/admin/api/clients/${client_id}`);
    if (!answer.ok && answer.status !== 404) return `${client_id} cannot have tokens for ${resource}: ${await reason(answer)}`;
  }
}

/** Adds the resource to one client unless it has it. Returns the last answer of the admin API. */
async function append(issuer, resource, address) {
  const found = await ask(address);
  if (!found.ok) return found;
  const { audience = [] } = await found.json();
  if (audience.includes(resource)) return found;
  // The first resource is the default. If there is none, the default is the issuer.
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
