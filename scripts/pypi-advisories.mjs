// Looks up every package in scripts/schemathesis.txt and scripts/clients.txt in PyPI's list of known vulnerabilities.
// Fails if one has any, or cannot be looked up. PYPI is the address of PyPI.

import { readFileSync } from 'node:fs';

const index = process.env.PYPI ?? 'https://pypi.org';
const locked = ['schemathesis.txt', 'clients.txt'].flatMap((list) => readFileSync(new URL(list, import.meta.url), 'utf8').match(/^[\w.-]+==\S+/gm));
const packages = [...new Set(locked)].map((pinned) => pinned.split('==')).map(([name, version]) => ({ name, version }));

const looked = await Promise.allSettled(packages.map(vulnerabilities));
const found = looked.flatMap(({ value = [] }) => value);
const failures = looked.flatMap(({ reason }) => reason?.message ?? []);
[...found, ...failures].forEach((line) => console.error(line));
console.log(`${packages.length} packages, ${found.length} known vulnerabilities${failures.length ? `, ${failures.length} not looked up` : ''}`);
process.exit(found.length || failures.length ? 1 : 0);

/** Returns a line for each vulnerability of a package. */
async function vulnerabilities({ name, version }) {
  const address = `${index}/pypi/${name}/${version}/json`;
  const response = await fetch(address).catch((error) => {
    throw new Error(`${address} does not answer: ${error.cause?.message ?? error.message}`);
  });
  if (!response.ok) throw new Error(`${address} answers ${response.status}`);
  const known = (await response.json()).vulnerabilities.filter(({ withdrawn }) => !withdrawn);
  return known.map(({ id, fixed_in: fixed }) => `${name} ${version}: ${id}, ${fixed.length ? `fixed in ${fixed.join(', ')}` : 'not fixed yet'}`);
}
