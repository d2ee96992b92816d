// Prints the software bill of materials of the built Worker, as CycloneDX 1.6 in JSON: the crates that are compiled into
// it, and those that only run while it is compiled. `node scripts/sbom.mjs WASM`. The same input gives the same output.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [, , wasm] = process.argv;
const arguments_ = ['metadata', '--locked', '--format-version', '1', '--filter-platform', 'wasm32-unknown-unknown'];
const metadata = JSON.parse(execFileSync('cargo', arguments_, { maxBuffer: 1 << 28 }));
const packages = new Map(metadata.packages.map((one) => [one.id, one]));
const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
const { root } = metadata.resolve;
const checksums = checksumsOf(readFileSync('Cargo.lock', 'utf8'));

const isMacro = (id) => packages.get(id).targets.some(({ kind }) => kind.includes('proc-macro'));
const dependencies = (id, kinds) => nodes.get(id).deps.filter(({ dep_kinds }) => dep_kinds.some(({ kind }) => kinds.includes(kind))).map(({ pkg }) => pkg);

const everything = reach(root, (id) => dependencies(id, [null, 'build']));
const compiledIn = reach(root, (id) => dependencies(id, [null]).filter((other) => !isMacro(other)));

const bom = {
  $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  metadata: { component: component(root, { hashes: [{ alg: 'SHA-256', content: sha256(readFileSync(wasm)) }] }) },
  components: [...everything].filter((id) => id !== root).sort(byReference)
    .map((id) => component(id, { scope: compiledIn.has(id) ? 'required' : 'excluded' })),
  dependencies: [...everything].sort(byReference).map((id) => ({ ref: reference(id), dependsOn: [...new Set(dependencies(id, [null, 'build']).map(reference))].sort() })),
};
console.log(JSON.stringify(bom, undefined, 1));

/** Returns everything that can be reached from `start`, itself included. */
function reach(start, next) {
  const seen = new Set([start]);
  for (const id of seen) for (const other of next(id)) seen.add(other);
  return seen;
}

function component(id, more) {
  const { name, version, license, description, repository } = packages.get(id);
  const checksum = checksums.get(`${name} ${version}`);
  return {
    type: id === root ? 'application' : 'library',
    'bom-ref': reference(id),
    name,
    version,
    ...(description && { description: description.trim() }),
    ...(license && { licenses: [{ expression: license.replaceAll('/', ' OR ') }] }),
    purl: reference(id),
    ...(checksum && { hashes: [{ alg: 'SHA-256', content: checksum }] }),
    ...(repository && { externalReferences: [{ type: 'vcs', url: repository }] }),
    ...more,
  };
}

function reference(id) {
  const { name, version } = packages.get(id);
  return `pkg:cargo/${name}@${version.replaceAll('+', '%2B')}`;
}

function byReference(one, other) {
  return reference(one) < reference(other) ? -1 : 1;
}

/** Returns the checksums of the crates in a lock file, by name and version. */
function checksumsOf(lock) {
  const entries = lock.matchAll(/^name = "(.*)"\nversion = "(.*)"\nsource = .*\nchecksum = "(.*)"$/gm);
  return new Map([...entries].map(([, name, version, checksum]) => [`${name} ${version}`, checksum]));
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
