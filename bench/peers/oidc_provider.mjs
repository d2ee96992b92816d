// oidc-provider with a device grant: node oidc_provider.mjs PORT [REDIS_PORT]. Everybody signs in with any password.

import { Redis } from 'ioredis';
import Provider from 'oidc-provider';

const [port, redisPort] = process.argv.slice(2);
const redis = redisPort && new Redis({ port: Number(redisPort), host: '127.0.0.1' });

/** Keeps everything, unlike the package's own memory adapter, which keeps a thousand records. */
const memory = new Map();

/** Stores records as JSON under `model:id`, and what leads to them under keys of their own. */
class Adapter {
  constructor(model) {
    this.model = model;
  }

  async upsert(id, payload, expiresIn) {
    const key = `${this.model}:${id}`;
    const pairs = [[key, JSON.stringify(payload)]];
    if (payload.userCode) pairs.push([`userCode:${payload.userCode}`, id]);
    if (this.model === 'Session') pairs.push([`uid:${payload.uid}`, id]);
    await set(pairs, expiresIn);
    if (payload.grantId) await addToGrant(payload.grantId, key, expiresIn);
  }

  async find(id) {
    const text = await get(`${this.model}:${id}`);
    return text && JSON.parse(text);
  }

  async findByUserCode(code) {
    const id = await get(`userCode:${code}`);
    return id ? this.find(id) : undefined;
  }

  async findByUid(uid) {
    const id = await get(`uid:${uid}`);
    return id ? this.find(id) : undefined;
  }

  async consume(id) {
    const payload = await this.find(id);
    await this.upsert(id, { ...payload, consumed: Math.floor(Date.now() / 1_000) }, payload.exp - Math.floor(Date.now() / 1_000));
  }

  async destroy(id) {
    await remove([`${this.model}:${id}`]);
  }

  async revokeByGrantId(id) {
    await remove(redis ? await redis.smembers(`grant:${id}`) : [...(memory.get(`grant:${id}`) ?? [])]);
  }
}

async function get(key) {
  return redis ? redis.get(key) : memory.get(key);
}

async function set(pairs, expiresIn) {
  if (!redis) return pairs.forEach(([key, value]) => memory.set(key, value));
  const batch = redis.multi();
  for (const [key, value] of pairs) expiresIn ? batch.set(key, value, 'EX', expiresIn) : batch.set(key, value);
  await batch.exec();
}

async function addToGrant(id, key, expiresIn) {
  if (redis) return redis.multi().sadd(`grant:${id}`, key).expire(`grant:${id}`, expiresIn).exec();
  memory.set(`grant:${id}`, (memory.get(`grant:${id}`) ?? new Set()).add(key));
}

async function remove(keys) {
  if (redis) return keys.length && redis.del(...keys);
  keys.forEach((key) => memory.delete(key));
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Adapter,
  clients: [
    {
      client_id: 'demo-tv',
      token_endpoint_auth_method: 'none',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      response_types: [],
      redirect_uris: [],
      application_type: 'native',
    },
  ],
  cookies: { keys: ['only-for-benchmarks'] },
  features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
  findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: { DeviceCode: 1_800, Session: 86_400, Interaction: 3_600, Grant: 86_400, AccessToken: 600, IdToken: 600 },
});
provider.listen(Number(port), '127.0.0.1');
