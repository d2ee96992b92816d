// How a preview differs from what wrangler.toml says: its name, and the rate-limit namespaces that are its own.

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';

/** RFC 1035 §2.3.4: the longest label of a host name. */
const LABEL = 63;

/**
 * The preview's name for a branch: lower-case letters, digits and single hyphens, so short that `<name>-<worker>` is a label.
 * A branch that is not such a name already gets a digest of itself, so that `feat/a` and `feat-a` are two previews.
 */
export function previewName(branch, worker) {
  const longest = LABEL - `-${worker}`.length;
  const plain = dashed(branch.toLowerCase().replace(/[^a-z0-9]+/g, '-'));
  if (plain === branch && plain.length <= longest) return plain;
  const suffix = `-${digest(branch).toString('hex').slice(0, 8)}`;
  return dashed((plain || 'branch').slice(0, longest - suffix.length)) + suffix;
}

/** The configuration for one preview, to be read from any directory. `root` is that of wrangler.toml. */
export function previewConfig({ build, ...config }, name, root) {
  const ratelimits = (config.previews.ratelimits ?? []).map((limiter) => ({
    ...limiter,
    namespace_id: String(namespace(`${config.name}/${name}/${limiter.name}`)),
  }));
  return { ...config, main: resolve(root, config.main), previews: { ...config.previews, ratelimits } };
}

/** A positive integer of 31 bits, far above those that people choose: 10^9 and 29 bits of the name's digest. */
function namespace(text) {
  return 1_000_000_000 + (digest(text).readUInt32BE() >>> 3);
}

function digest(text) {
  return createHash('sha256').update(text).digest();
}

function dashed(text) {
  return text.replace(/^-+|-+$/g, '');
}
