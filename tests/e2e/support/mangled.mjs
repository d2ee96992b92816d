// Malformed requests, made from a correct one: bodies and headers that are wrong in every way that a client could try.

import { at } from './places.mjs';

const TYPE = 'application/x-www-form-urlencoded';
const MAX_BODY = 16_384;

/** Yields `[what is wrong, { headers, body, chunked }, status]` for each variant; no status means any below 500. */
export function* mangled(fields) {
  const right = encoded(fields);
  const form = (body, more = {}) => ({ headers: { 'content-type': TYPE }, body, ...more });
  const padded = (length) => `${right}&pad=${'x'.repeat(length - right.length - 5)}`;

  yield ['one byte too large', form(padded(MAX_BODY + 1)), 413];
  yield ['one byte too large, in chunks', form(padded(MAX_BODY + 1), { chunked: true }), 413];
  yield ['far too large', form('x'.repeat(60_000)), 413];
  yield ['far too large, in chunks', form('x'.repeat(60_000), { chunked: true }), 413];
  yield ['as large as allowed', form(padded(MAX_BODY))];
  yield ['as large as allowed, in chunks', form(padded(MAX_BODY), { chunked: true })];
  yield ['empty', form(''), 400];
  yield ['only separators', form('&&&=&==&&'), 400];
  yield ['one letter', form('x'), 400];
  yield ['every byte from 0 to 255', form(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))), 400];

  for (const type of [undefined, '', 'text/plain', 'application/json', 'multipart/form-data', `${TYPE}x`, ';', `text/html;${TYPE}`]) {
    yield [`called ${type}`, { headers: type === undefined ? {} : { 'content-type': type }, body: right }, 400];
  }
  yield ['JSON', { headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) }, 400];
  yield ['called a form in capitals, with parameters', { headers: { 'content-type': `${TYPE.toUpperCase()} ; charset=utf-16` }, body: right }];

  for (const [name, bytes] of [['a lone byte', [0xff]], ['half a character', [0xe2, 0x82]], ['a surrogate', [0xed, 0xa0, 0x80]], ['an overlong slash', [0xc0, 0xaf]]]) {
    const raw = Buffer.from(bytes);
    const escaped = bytes.map((byte) => `%${byte.toString(16)}`).join('');
    yield [`${name} in a value`, form(Buffer.concat([Buffer.from(`${right}&x=`), raw])), 400];
    yield [`${name} in a name`, form(Buffer.concat([Buffer.from(`${right}&`), raw, Buffer.from('=x')])), 400];
    yield [`${name}, escaped`, form(`${right}&x=${escaped}`), 400];
  }

  for (const name of Object.keys(fields)) {
    const others = encoded(without(fields, name));
    const own = `${name}=${encodeURIComponent(fields[name])}`;
    yield [`${name} twice`, form(`${right}&${own}`), 400];
    yield [`${name} twice, once empty`, form(`${right}&${name}=`), 400];
    yield [`${name} twice, once escaped`, form(`${right}&%${name.charCodeAt(0).toString(16)}${name.slice(1)}=x`), 400];
    yield [`${name} missing`, form(others)];
    yield [`${name} empty`, form(`${others}&${name}=`)];
    yield [`${name} NUL`, form(`${others}&${name}=%00`)];
    yield [`${name} with a raw NUL`, form(Buffer.from(`${others}&${own}\0`))];
    yield [`${name} with a NUL inside`, form(`${others}&${own.slice(0, -1)}%00${own.slice(-1)}`)];
    yield [`${name} with line breaks`, form(`${others}&${own}%0d%0aSet-Cookie:%20x=y`)];
    yield [`${name} very long`, form(`${others}&${name}=${'A'.repeat(MAX_BODY - others.length - name.length - 2)}`)];
    yield [`${name} long in base64`, form(`${others}&${name}=${Buffer.alloc(6000, 1).toString('base64url')}`)];
    yield [`${name} of four-byte characters`, form(`${others}&${name}=${'%F0%9F%92%A9'.repeat(500)}`)];
    yield [`${name} cut short`, form(`${others}&${own.slice(0, -1)}`)];
    for (const broken of ['%', '%4', '%zz', '%u0041', '%%%', '+%+']) {
      yield [`${name} ${broken}`, form(`${others}&${name}=${broken}`)];
    }
  }

  yield ['a thousand parameters', form(`${right}&${Array.from({ length: 1000 }, (_, index) => `p${index}=${index}`).join('&')}`)];
  yield ['a thousand empty names', form(`${right}&${'=&'.repeat(1000)}`), 400];
  yield ['a thousand times the same', form(`${right}&${'a=1&'.repeat(1000)}`), 400];
}

/** Yields `[what is odd, headers]`, to send with a correct body. */
export function* oddHeaders() {
  for (const value of ['Basic', 'Basic ', 'Basic ====', 'Basic Og==', 'Bearer x', 'basic \xff\xfe', `Basic ${'QUFB'.repeat(2500)}`, ' ', '\t']) {
    yield [`authorization: ${value.slice(0, 20)}`, { authorization: value }];
  }
  for (const value of ['=', ';;;', 'device-grant', 'device-grant=', 'device-grant=%00', 'device-grant="x"', `device-grant=${'A'.repeat(8000)}`,
    'device-grant=x; '.repeat(400), 'device-grant=\xff\xfe', '__Host-device-grant=x']) {
    yield [`cookie: ${value.slice(0, 20)}`, { cookie: value }];
  }
  for (const value of ['null', 'x', 'https://evil.example', 'http://', `http://${'a'.repeat(5000)}`]) {
    yield [`origin: ${value.slice(0, 20)}`, { origin: value }];
  }
  for (const value of ['x', '::', '1.2.3.4.5', '999.1.1.1', 'fe80::1%eth0', '1.2.3.4, 5.6.7.8', 'a'.repeat(5000)]) {
    yield [`cf-connecting-ip: ${value.slice(0, 20)}`, { 'cf-connecting-ip': value }];
  }
  // Only objects: the runtime itself refuses any other type.
  for (const cf of [{}, { asn: -1 }, { asn: 1e300 }, { asn: 'x' }, { colo: 5, country: {}, city: [], region: null },
    { city: '<script>' }, { asOrganization: 'x'.repeat(3000), city: '\u0000\u202e' }, { colo: '' }, { colo: 'ZZZ' }]) {
    yield [`cf: ${JSON.stringify(cf).slice(0, 30)}`, at(cf)];
  }
  yield ['a user agent that is not text', { 'user-agent': '\x80\xff<script>' }];
  yield ['a long user agent', { 'user-agent': 'x'.repeat(8000) }];
  yield ['no user agent', { 'user-agent': '' }];
  yield ['a long ray', { 'cf-ray': `"}\t{${'x'.repeat(3000)}` }];
  yield ['fetch metadata', { 'sec-fetch-site': 'cross-site' }];
  yield ['two hundred headers', Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x-${index}`, 'y'.repeat(20)]))];
}

function encoded(fields) {
  return new URLSearchParams(fields).toString();
}

function without(fields, name) {
  return Object.fromEntries(Object.entries(fields).filter(([other]) => other !== name));
}
