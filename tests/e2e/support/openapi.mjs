// The OpenAPI document of the admin API, and functions that check answers and values against it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { root } from './config.mjs';

export const document = JSON.parse(readFileSync(join(root, 'src/endpoint/admin/openapi.json'), 'utf8'));

const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true, formats: { uri: URL.canParse } });
ajv.addVocabulary(Object.keys(document));
ajv.addSchema(document, 'openapi');

/** Every operation of the document, with the statuses it documents. */
export const operations = Object.entries(document.paths).flatMap(([path, { parameters: _, ...methods }]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation, statuses: Object.keys(operation.responses).map(Number) })),
);

/** Returns the operation of a method and address; `undefined` if the document has none. A path without parameters comes first. */
export function operationOf(method, address) {
  const parts = address.split('?')[0].split('/');
  const fits = (template) => template.length === parts.length && template.every((part, at) => part.startsWith('{') || part === parts[at]);
  const parameters = (path) => path.split('{').length;
  const [path] = Object.keys(document.paths).filter((path) => fits(path.split('/'))).sort((a, b) => parameters(a) - parameters(b));
  return operations.find((operation) => operation.method === method.toLowerCase() && operation.path === path);
}

/** Fails the test unless the document describes the answer: its status, content type, headers and members. */
export function checkAnswer(method, address, { status, headers, body }) {
  const found = operationOf(method, address);
  const where = `${method} ${address} ${status}`;
  const described = found ? resolved(found.operation.responses[status]) : resolved({ $ref: '#/components/responses/' + (status === 405 ? 'method_not_allowed' : status === 401 ? 'unauthorized' : 'not_found') });
  assert.ok(described, `${where} is not in the document`);
  const named = Object.entries(described.headers ?? {}).filter(([, header]) => resolved(header).required);
  for (const [name] of named) assert.ok(headers.get(name), `${where} has no ${name}`);
  assert.equal(headers.get('cache-control'), 'no-store', where);
  assert.equal(headers.get('access-control-allow-origin'), null, where);
  if (!described.content) return assert.equal(body, undefined, where);
  const [[type, { schema }]] = Object.entries(described.content);
  assert.equal(headers.get('content-type'), type, where);
  const validate = ajv.compile(schema.$ref ? { $ref: `openapi${schema.$ref}` } : schema);
  assert.ok(validate(body), `${where}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body)}`);
}

/** Follows a reference within the document; returns anything else as it is. */
export function resolved(value) {
  if (!value?.$ref) return value;
  return value.$ref.split('/').slice(1).reduce((node, name) => node?.[name.replaceAll('~1', '/').replaceAll('~0', '~')], document);
}

/** Returns `undefined` if a schema of the document accepts a value, else the errors as a text. */
export function judge(schema, value) {
  const validate = ajv.getSchema(`openapi#/components/schemas/${schema}`);
  return validate(value) ? undefined : ajv.errorsText(validate.errors);
}
