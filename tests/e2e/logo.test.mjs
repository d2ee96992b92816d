// The logo of the service, as a browser gets and draws it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { openBrowser } from './support/browser.mjs';
import { startWorkerd } from './support/harness.mjs';

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
