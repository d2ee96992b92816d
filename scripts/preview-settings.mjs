// What a preview has of its own, beyond wrangler.toml: its name, and the ids of its rate-limit namespaces.

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';

/** Length of the longest label of a host name (RFC 1035 §2.3.4). */
const LABEL = 63;

/**
 * Returns the name of a branch's preview: lower-case letters, digits and single hyphens, short enough for
 * `<name>-<worker>` to be one label. Unless the branch already is such a name, a digest of it is appended, so that
 * `feat/a` and `feat-a` are two previews.
 */
export function previewName(branch, worker) {
  const longest = LABEL - `-${worker}`.length;
  const plain = dashed(branch.toLowerCase().replace(/[^a-z0-9]+/g, '-'));
  if (plain === branch && plain.length <= longest) return plain;
  const suffix = `-${digest(branch).toString('hex').slice(0, 8)}`;
  return dashed((plain || 'branch').slice(0, longest - suffix.length)) + suffix;
}

/** Returns the configuration for one preview, usable from any directory. `root` is the directory of wrangler.toml. */
export function previewConfig({ build, ...config }, name, root) {
  const ratelimits = (config.previews.ratelimits ?? []).map((limiter) => ({
    ...limiter,
    namespace_id: String(namespace(`${config.name}/${name}/${limiter.name}`)),
  }));
  return { ...config, main: resolve(root, config.main), previews: { ...config.previews, ratelimits } };
}

/** Returns a 31-bit namespace id far above those that people choose: 10^9 plus 29 bits of the digest of `text`. */
function namespace(text) {
  return 1_000_000_000 + (digest(text).readUInt32BE() >>> 3);
}

function digest(text) {
  return createHash('sha256').update(text).digest();
}

function dashed(text) {
  return text.replace(/^-+|-+$/g, '');
}
