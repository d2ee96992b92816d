// Checks what `wrangler deploy` would upload and what a preview would get, in wrangler.toml and with wrangler itself.

import assert from 'node:assert/strict';
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { parseEnv } from 'node:util';
import { parse } from 'smol-toml';
import { root, wrangler } from './support/config.mjs';
import { bundle, temporaryDirectory } from './support/harness.mjs';

const schema = JSON.parse(readFileSync(join(root, 'node_modules/wrangler/config-schema.json'), 'utf8'));
const previewKinds = Object.keys(schema.definitions.PreviewsConfig.properties);

let upload;
before(async () => {
  const out = temporaryDirectory();
  upload = await bundle(out.path);
  out.remove();
});

test('wrangler accepts the configuration without a warning', () => {
  assert.doesNotMatch(upload, /WARNING|ERROR/, upload);
});

test('the configuration breaks no rule', () => {
  assert.deepEqual(problems(wrangler), []);
});

test('the rules see every binding that wrangler sees', () => {
  const listed = [...upload.matchAll(/^env\.(\w+)/gm)].map(([, name]) => name);
  const known = bindings(wrangler).filter((binding) => !isSecret(binding)).map((binding) => binding.split(' ')[1]);

  assert.deepEqual(known.toSorted(), listed.toSorted());
});

test('a binding of any kind that only production has is found', () => {
  for (const kind of ['kv_namespaces', 'd1_databases', 'r2_buckets', 'services', 'analytics_engine_datasets']) {
    const changed = mutated((config) => (config[kind] = [...(config[kind] ?? []), { binding: 'EXTRA' }]));
    assert.deepEqual(changed, [`previews lack the binding ${kind} EXTRA`]);
  }

  const object = mutated((config) => {
    config.durable_objects.bindings.push({ name: 'EXTRA', class_name: 'Extra' });
    config.exports.Extra = { type: 'durable-object', storage: 'sqlite' };
  });
  assert.deepEqual(object, ['previews lack the binding durable_objects EXTRA']);

  const variable = mutated((config) => (config.vars.EXTRA = 'x'));
  assert.deepEqual(variable, ['previews lack the binding vars EXTRA']);

  const queue = mutated((config) => (config.queues = { producers: [{ binding: 'EXTRA', queue: 'q' }] }));
  assert.deepEqual(queue, ['previews lack the binding queues EXTRA']);
});

test('a binding that is missing in the preview block is found', () => {
  for (const { name } of wrangler.durable_objects.bindings) {
    const changed = mutated(({ previews }) => {
      previews.durable_objects.bindings = previews.durable_objects.bindings.filter((binding) => binding.name !== name);
    });
    assert.deepEqual(changed, [`previews lack the binding durable_objects ${name}`]);
  }
  assert.equal(mutated((config) => delete config.previews).length > 1, true);
});

test('a class that is not declared, or not stored in SQLite, is found', () => {
  const undeclared = mutated((config) => delete config.exports.Ledger);
  assert.deepEqual(undeclared, ['the class Ledger is not exported as a SQLite-backed object']);

  const legacy = mutated((config) => (config.exports.Registry.storage = 'legacy-kv'));
  assert.deepEqual(legacy, ['the class Registry is not exported as a SQLite-backed object']);
});

test('logs that keep query strings are found, in production and in previews', () => {
  const production = mutated((config) => (config.observability.redact_query_string = false));
  assert.deepEqual(production, ['query strings are not redacted in the logs of production']);

  const previews = mutated((config) => delete config.previews.observability);
  assert.deepEqual(previews, ['query strings are not redacted in the logs of previews']);
});

test('a preview that shares counters or its environment with production is found', () => {
  const counters = mutated((config) => (config.previews.ratelimits[0].namespace_id = config.ratelimits[0].namespace_id));
  assert.deepEqual(counters, ['previews share the counters of NETWORK_LIMIT']);

  const environment = mutated((config) => (config.previews.vars.ENVIRONMENT = 'production'));
  assert.deepEqual(environment, ['previews call themselves production']);
});

test('a master key that is not required is found', () => {
  assert.deepEqual(mutated((config) => delete config.secrets), ['MASTER_KEY is not required']);
});

test('the rules read the configuration as wrangler does', async () => {
  const directory = temporaryDirectory();
  const changed = readFileSync(join(root, 'wrangler.toml'), 'utf8') + '\n[[d1_databases]]\nbinding = "EXTRA"\n';
  const config = join(directory.path, 'wrangler.toml');
  writeFileSync(config, changed.replace('"build/index.js"', JSON.stringify(join(root, 'build/index.js'))).replace(/^command.*/m, ''));

  assert.match(await bundle(join(directory.path, 'out'), { config }), /^env\.EXTRA/m);
  assert.deepEqual(problems(parse(changed)), ['previews lack the binding d1_databases EXTRA']);
  directory.remove();
});

// What Cloudflare documents of the button: https://developers.cloudflare.com/workers/platform/deploy-buttons/

test('the button "Deploy to Cloudflare" asks for every secret and setting, describes each, and offers no secret that would work', () => {
  const asked = Object.entries(parseEnv(readFileSync(join(root, '.dev.vars.example'), 'utf8')));
  const { cloudflare } = manifest();
  const names = asked.map(([name]) => name);

  for (const name of wrangler.secrets.required) assert.ok(names.includes(name), name);
  assert.deepEqual(Object.keys(cloudflare.bindings).sort(), [...names, ...Object.keys(wrangler.vars)].sort());
  for (const [name, value] of asked) assert.equal(value, '', `${name} would be deployed as it is here`);
  for (const [name, { description }] of Object.entries(cloudflare.bindings)) {
    assert.equal(description.split('`').length % 2, 1, `${name}: code is between two backticks`);
    assert.doesNotMatch(description, /\n|```|<|^#/, `${name}: only code, bold, italics and links are shown as such`);
  }
});

test('the button can provision everything in wrangler.toml, which names nothing that belongs to somebody else', () => {
  /** What Cloudflare provisions. */
  const provisioned = ['kv_namespaces', 'd1_databases', 'r2_buckets', 'hyperdrive', 'vectorize', 'secrets_store_secrets', 'durable_objects', 'ai', 'queues'];
  /** What comes with the Worker. */
  const included = ['vars', 'secrets', 'ratelimits', 'version_metadata'];
  for (const binding of bindings(wrangler)) assert.ok([...provisioned, ...included].includes(binding.split(' ')[0]), binding);
  for (const name of ['account_id', 'route', 'routes', 'zone_id', 'tail_consumers', 'triggers']) assert.ok(!(name in wrangler), name);
  for (const { binding, ...others } of wrangler.kv_namespaces) assert.deepEqual(others, {}, `the id of ${binding} is another account's`);
});

test('the button builds without Rust in place, and deploys what was built', () => {
  const { scripts } = manifest();
  assert.match(scripts.deploy, /wrangler deploy$/);
  assert.match(scripts.deploy, /^PATH="\$HOME\/\.cargo\/bin:\$PATH" /, 'wrangler asks whether the build is fresh, for which it needs Rust');
  accessSync(join(root, scripts.build), constants.X_OK);
  const build = readFileSync(join(root, scripts.build), 'utf8');
  assert.match(build, /^if ! have cargo; then\n[^]*sh\.rustup\.rs/m);
  assert.match(build, /scripts\/setup build\nexec scripts\/build\n$/);
  const document = readFileSync(join(root, 'docs/first-run.md'), 'utf8');
  assert.ok(document.includes('(https://deploy.workers.cloudflare.com/?url=https://github.com/OWNER/REPOSITORY)'));
});

const manifest = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Describes everything that is wrong with a configuration. */
function problems(config) {
  const previews = config.previews ?? {};
  const repeated = new Set(bindings(previews));
  const missing = bindings(config).filter((binding) => !repeated.has(binding) && !isSecret(binding));
  return [
    ...missing.map((binding) => `previews lack the binding ${binding}`),
    ...objectClasses(config)
      .filter((name) => !isSqlite(config.exports?.[name]))
      .map((name) => `the class ${name} is not exported as a SQLite-backed object`),
    ...Object.entries({ production: config, previews })
      .filter(([, { observability }]) => observability?.redact_query_string !== true)
      .map(([where]) => `query strings are not redacted in the logs of ${where}`),
    ...(config.ratelimits ?? [])
      .filter(({ namespace_id }) => previews.ratelimits?.some((other) => other.namespace_id === namespace_id))
      .map(({ name }) => `previews share the counters of ${name}`),
    ...(previews.vars?.ENVIRONMENT === 'production' ? ['previews call themselves production'] : []),
    ...(config.secrets?.required?.includes('MASTER_KEY') ? [] : ['MASTER_KEY is not required']),
  ];
}

/** Returns `kind NAME` for every binding of a block. The kinds are all that wrangler's schema allows for a preview. */
function bindings(block) {
  return previewKinds.filter((kind) => kind in block).flatMap((kind) => names(kind, block[kind]).map((name) => `${kind} ${name}`));
}

function names(kind, value) {
  if (kind === 'vars') return Object.keys(value);
  if (kind === 'secrets') return value.required ?? [];
  if (Array.isArray(value)) return value.flatMap((item) => names(kind, item));
  if (typeof value !== 'object' || value === null) return [];
  const own = value.binding ?? value.name;
  return typeof own === 'string' ? [own] : Object.values(value).flatMap((item) => names(kind, item));
}

/** Secrets are set by command even for previews, because wrangler refuses them in the preview block. */
function isSecret(binding) {
  return binding.startsWith('secrets ');
}

function objectClasses(config) {
  return [config, config.previews ?? {}]
    .flatMap((block) => block.durable_objects?.bindings ?? [])
    .map((binding) => binding.class_name)
    .filter((name, index, all) => all.indexOf(name) === index);
}

function isSqlite(declared) {
  return declared?.type === 'durable-object' && declared.storage === 'sqlite';
}

function mutated(change) {
  const copy = structuredClone(wrangler);
  change(copy);
  return problems(copy);
}
