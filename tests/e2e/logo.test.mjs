// The logos of the service and of clients, as this server fetches and keeps them, and as a browser draws them.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { openBrowser } from './support/browser.mjs';
import { Admin } from './support/admin.mjs';
import { accounts } from './support/config.mjs';
import { DEVICE_GRANT, Device } from './support/device.mjs';
import { startWorkerd, temporaryDirectory } from './support/harness.mjs';
import { endDiscreetly } from './support/secrets.mjs';

/** Eight times as wide as high, so that the page has to fit it into its 8rem. */
const [WIDTH, HEIGHT] = [512, 64];
const PNG = png(WIDTH, HEIGHT);

let browser;
let server;

before(async () => {
  const vars = { SERVICE_NAME: 'Beispiel TV', SERVICE_LOGO: `data:image/png;base64,${PNG.toString('base64')}` };
  [browser, server] = await Promise.all([openBrowser(), startWorkerd({ vars })]);
});
after(() => Promise.all([browser?.close(), server?.stop()]));

describe('the logo of the service', () => {
  test('arrives byte for byte, and is kept for ever', async () => {
    const page = await (await fetch(`${server.origin}/device`)).text();
    const [, path] = page.match(/<img class="logo" src="([^"]+)"/);
    const image = await fetch(server.origin + path);

    assert.deepEqual(Buffer.from(await image.arrayBuffer()), PNG);
    const wanted = {
      'content-type': 'image/png',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    };
    const names = Object.keys(wanted);
    assert.deepEqual(Object.fromEntries(names.map((name) => [name, image.headers.get(name)])), wanted);
    const head = await fetch(server.origin + path, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-type'), (await head.arrayBuffer()).byteLength], [200, 'image/png', 0]);
  });

  test('is drawn beside the name, 32 pixels high and at most 8rem wide', async () => {
    await browser.open(`${server.origin}/device`);
    const drawn = await browser.run(async () => {
      const [logo, ...others] = document.querySelectorAll('.brand img, .brand svg');
      await logo.decode();
      const { width, height } = logo.getBoundingClientRect();
      return [logo.naturalWidth, width, height, others.length];
    });

    assert.deepEqual(drawn, [WIDTH, 128, 32, 0]);
    assert.deepEqual(await browser.complaints(), []);
  });
});

describe('a logo from another server', () => {
  const SMALL = png(64, 64);
  let site;
  before(async () => (site = await openSite(SMALL)));
  after(() => site?.close());

  test('of the service is fetched once, and is there when the other server is gone', async (t) => {
    const dir = temporaryDirectory();
    t.after(() => dir.remove());
    const vars = { SERVICE_LOGO: `${site.origin}/logo.png` };
    const first = await startWorkerd({ dir: dir.path, vars });
    const [, path] = (await (await fetch(`${first.origin}/device`)).text()).match(/<img class="logo" src="([^"]+)"/);
    for (let time = 1; time <= 2; time++) assert.deepEqual(await bytesAt(first.origin + path), SMALL);
    await first.stop();
    assert.equal(site.asked.filter((url) => url === '/logo.png').length, 1);

    site.files.delete('/logo.png');
    const second = await startWorkerd({ dir: dir.path, vars });
    assert.deepEqual(await bytesAt(second.origin + path), SMALL);
    await second.stop();
    site.files.set('/logo.png', [200, SMALL]);
  });

  test('of a client is shown beside its name, and a refusal to send it is a warning', async (t) => {
    const server = await startWorkerd();
    t.after(() => endDiscreetly(server));
    const admin = new Admin(server);
    const tv = { client_id: 'tv', client_name: 'Wohnzimmer', grant_types: [DEVICE_GRANT], scope: 'openid', token_endpoint_auth_method: 'none' };
    const created = await admin.create({ ...tv, logo_uri: `${site.origin}/logo.png` });
    assert.equal(created.body.warnings, undefined);

    const { codes } = await Device.start(server, { client: { client_id: 'tv' }, scope: 'openid' });
    await browser.open(codes.verification_uri_complete);
    await browser.choose('.main');
    await browser.type('username', accounts.alice.username);
    await browser.type('password', accounts.alice.password);
    await browser.choose('.main');
    const drawn = await browser.run(async () => {
      const image = document.querySelector('.client-logo');
      await image.decode();
      const [{ right, height }, heading] = [image, document.querySelector('h1')].map((element) => element.getBoundingClientRect());
      return [image.naturalWidth, height, right <= heading.left, document.querySelectorAll('.brand img').length];
    });
    assert.deepEqual(drawn, [64, 40, true, 0]);
    assert.deepEqual(await browser.complaints(), []);

    for (const [path, warning] of [
      ['/moved', 'the response has status 302, and redirects are not followed'],
      ['/missing', 'the response has status 404'],
      ['/large', 'it has more than 32768 bytes'],
      ['/text', 'the file is no PNG, WebP or JPEG image'],
    ]) {
      const { status, body } = await admin.patch('tv', { logo_uri: site.origin + path });
      assert.equal(status, 200);
      assert.match(body.warnings.join(), new RegExp(warning), path);
    }
    assert.ok(!site.asked.includes('/followed'));
  });
});

async function bytesAt(url) {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}

/** Opens a server with files. Each has a status and a body. */
async function openSite(image) {
  const files = new Map([
    ['/logo.png', [200, image]],
    ['/moved', [302, '', { location: '/followed' }]],
    ['/large', [200, Buffer.concat([image, Buffer.alloc(40_000)])]],
    ['/text', [200, '<svg xmlns="http://www.w3.org/2000/svg"/>']],
  ]);
  const asked = [];
  const http = createServer((request, response) => {
    asked.push(request.url);
    const [status, body, headers] = files.get(request.url) ?? [404, ''];
    response.writeHead(status, headers).end(body);
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise((resolve) => {
    http.close(resolve);
    http.closeAllConnections();
  });
  return { origin: `http://127.0.0.1:${http.address().port}`, files, asked, close };
}

/** Returns a PNG of black pixels, one bit each. */
function png(width, height) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const rows = deflateSync(Buffer.alloc(height * (1 + width / 8)));
  const signature = Buffer.from([0x89, ...Buffer.from('PNG\r\n\x1a\n', 'latin1')]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type, data) {
  const content = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [data.length, crc32(content)].map((number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(number);
    return bytes;
  });
  return Buffer.concat([length, content, sum]);
}
