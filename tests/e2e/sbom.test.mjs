// The list of parts that `scripts/build` writes next to the Worker.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Ajv from 'ajv';
import { builds, root } from './support/config.mjs';

const bom = JSON.parse(readFileSync(join(builds.release, 'sbom.cdx.json'), 'utf8'));
const schemas = join(root, 'node_modules/@cyclonedx/cyclonedx-library/res/schema');
const schema = (name) => JSON.parse(readFileSync(join(schemas, name), 'utf8'));

test('the list of parts is valid CycloneDX 1.6', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const name of ['spdx.SNAPSHOT.schema.json', 'jsf-0.82.SNAPSHOT.schema.json']) ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}`);
  const validate = ajv.compile(schema('bom-1.6.SNAPSHOT.schema.json'));
  assert.ok(validate(bom), ajv.errorsText(validate.errors));
  assert.ok(!validate({ ...bom, components: [{ name: 'x' }] }), 'the validator finds faults');
});

test('it names the Worker by its digest, and each crate with version, license and digest as locked', () => {
  const digest = createHash('sha256').update(readFileSync(join(builds.release, 'index_bg.wasm'))).digest('hex');
  assert.deepEqual(bom.metadata.component.hashes, [{ alg: 'SHA-256', content: digest }]);
  const lock = readFileSync(join(root, 'Cargo.lock'), 'utf8');
  for (const { name, version, purl, hashes, licenses } of bom.components) {
    assert.equal(purl, `pkg:cargo/${name}@${version.replaceAll('+', '%2B')}`);
    assert.ok(lock.includes(`name = "${name}"\nversion = "${version}"\nsource = `) && lock.includes(hashes[0].content), purl);
    assert.equal(licenses.length, 1, purl);
  }
});

test('it tells what is compiled in from what only helps to compile, and leaves out what only tests use', () => {
  const scope = (wanted) => bom.components.find(({ name }) => name === wanted)?.scope;
  assert.deepEqual(['argon2', 'worker', 'serde_json'].map(scope), ['required', 'required', 'required']);
  assert.deepEqual(['serde_derive', 'syn', 'wasm-bindgen-macro'].map(scope), ['excluded', 'excluded', 'excluded']);
  assert.deepEqual(['proptest', 'ureq', 'oauth2'].map(scope), [undefined, undefined, undefined]);
  const known = new Set([bom.metadata.component, ...bom.components].map((one) => one['bom-ref']));
  for (const { ref, dependsOn } of bom.dependencies) for (const name of [ref, ...dependsOn]) assert.ok(known.has(name), name);
});
