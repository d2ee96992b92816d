// A stand-in for Cloudflare's API on loopback: the part that `wrangler preview` calls. Point wrangler at it with
// CLOUDFLARE_API_BASE_URL. Its paths, codes and shapes are those that wrangler 4.164 sends and expects. It cannot show
// how Cloudflare's own API decides.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

export const ACCOUNT = '0123456789abcdef0123456789abcdef';

/** Cloudflare's errors for what does not exist. */
const NO_WORKER = { status: 404, code: 10007, message: 'This Worker does not exist on your account.' };
const NO_PREVIEW = { status: 404, code: 10025, message: 'The preview was not found.' };
const NO_DEPLOYMENT = { status: 404, code: 10222, message: 'The preview has no deployment.' };

/**
 * @param {object} [options]
 * @param {string} [options.worker] a Worker that the account has; without one, the first preview has to create it
 * @param {string[]} [options.accounts] the accounts that the token can use
 * @param {string[]} [options.urls] the addresses of every preview, instead of the usual one
 */
export async function startCloudflare({ worker, accounts = [ACCOUNT], urls } = {}) {
  const workers = new Map(worker ? [[worker, new Map()]] : []);
  const requests = [];
  const refusals = [];

  const server = createServer(async (request, response) => {
    const { status, result, errors = [] } = await answer(request).catch(refusal);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ success: errors.length === 0, errors, messages: [], result: result ?? null }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();

  async function answer(request) {
    const { pathname, searchParams } = new URL(request.url, 'http://stub');
    const seen = { method: request.method, path: pathname, query: Object.fromEntries(searchParams), ...(await body(request)) };
    seen.token = request.headers.authorization;
    requests.push(seen);
    const refused = refusals.find(({ method, path, times }) => times > 0 && method === seen.method && path.test(seen.path));
    if (refused) refused.times -= 1;
    if (refused) throw refused;
    return { status: 200, result: route(seen) };
  }

  function route({ method, path, json, form }) {
    if (path === '/user/tokens/verify') return { id: 'token', status: 'active' };
    if (path === '/accounts') return accounts.map((id) => ({ id, name: `account ${id.slice(0, 4)}` }));
    if (path === '/memberships') return accounts.map((id) => ({ id, account: { id, name: `account ${id.slice(0, 4)}` } }));
    const [, , account, , , name, , preview, , deployment] = path.split('/');
    if (!accounts.includes(account)) throw { status: 403, code: 10000, message: 'Authentication error' };
    if (method === 'POST' && !name) return create(workers, json.name, new Map());
    const previews = workers.get(name) ?? fail(NO_WORKER);
    if (method === 'POST' && !preview) return shown(create(previews, json.name, newPreview(name, json)));
    if (!preview) return { name };
    const found = [...previews.values()].find(({ id, name }) => [id, name].includes(decodeURIComponent(preview))) ?? fail(NO_PREVIEW);
    if (method === 'POST') return deploy(found, form);
    if (deployment) return found.deployments.at(-1) ?? fail(NO_DEPLOYMENT);
    if (method === 'DELETE') return previews.delete(found.name) && null;
    return shown(Object.assign(found, json));
  }

  function newPreview(worker, { name, ...settings }) {
    const address = urls ?? [`https://${name}-${worker}.team.workers.dev`];
    return { ...settings, id: `id-of-${name}`, name, slug: name, urls: address, deployments: [], secrets: {} };
  }

  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    /** All requests so far: `{ method, path, query, token, json | form }`. `form.files`: the modules by name. */
    requests,
    /** Returns the previews of a Worker by name. `secrets` are the current ones, in plain text. */
    previews: (name) => workers.get(name) ?? new Map(),
    /** Makes matching requests fail, `times` times. */
    refuse: (method, path, status, code, message, times = Infinity) => refusals.push({ method, path, status, code, message, times }),
    /** Stops refusing requests. */
    relent: () => refusals.splice(0),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Adds a deployment. Its answers never show a secret; `inherit` keeps the previous deployment's secret. */
function deploy(preview, { metadata }) {
  const env = {};
  for (const [name, binding] of Object.entries(metadata.env ?? {})) {
    if (binding.type === 'secret_text') preview.secrets[name] = binding.text;
    const secret = binding.type === 'secret_text' || (binding.type === 'inherit' && name in preview.secrets);
    env[name] = secret ? { type: 'secret_text' } : binding;
  }
  const id = `${preview.deployments.length + 1}a2b3c4d`;
  const deployment = { id, env, annotations: metadata.annotations, urls: preview.urls.map((url) => url.replace(preview.name, id)) };
  preview.deployments.push(deployment);
  return deployment;
}

function shown({ deployments, secrets, ...preview }) {
  return preview;
}

function create(map, name, value) {
  map.set(name, value);
  return value;
}

async function body(request) {
  const bytes = await buffer(request);
  const type = request.headers['content-type'] ?? '';
  if (type.includes('json')) return { json: JSON.parse(bytes) };
  if (!type.startsWith('multipart/')) return {};
  const data = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  const files = await Promise.all(data.getAll('files').map(async (file) => [file.name, { type: file.type, bytes: Buffer.from(await file.arrayBuffer()) }]));
  return { form: { metadata: JSON.parse(data.get('metadata')), files: Object.fromEntries(files) } };
}

function fail(refused) {
  throw refused;
}

function refusal(error) {
  if (!error.status) throw error;
  return { status: error.status, errors: [{ code: error.code, message: error.message }] };
}
