// A person who is denied asks for access at a browser, somebody else answers, and the login of the same code goes on.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { ASKING } from './support/asking.mjs';
import { until } from './support/bounded.mjs';
import { openBrowser } from './support/browser.mjs';
import { accounts } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { rows } from './support/stored.mjs';

const LATE = 60_000;
const WAITING = 'Waiting for an answer';
const CONSENT = 'Let Demo TV use your account?';
const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString();

describe('a person who is denied', { timeout: 300_000 }, () => {
  let browser, server, admin;

  before(async () => {
    browser = await openBrowser();
  });

  beforeEach(async () => {
    [server] = await Promise.all([startWorkerd(), browser.restart()]);
    admin = new Admin(server);
    assert.equal((await admin.ask('PUT', '/policy', { body: ASKING, ifMatch: '*' })).status, 200);
  });

  afterEach(async () => {
    await endDiscreetly(server);
    assert.deepEqual(await browser.complaints(), [], 'the browser reports no problem');
  });

  after(() => browser?.close());

  /** Starts a device, and lets Bob enter its code, sign in and ask. */
  async function asks() {
    const device = await Device.start(server);
    await browser.open(`${server.origin}/device`);
    await browser.type('user_code', device.userCode);
    await browser.press('Continue');
    await browser.type('username', accounts.bob.username);
    await browser.type('password', accounts.bob.password);
    await browser.choose('form:has(#password) .button');
    await browser.sees('Not allowed');
    await browser.type('reason', 'I release on Friday.');
    await browser.press('Ask for access');
    await browser.sees(WAITING);
    return device;
  }

  async function open() {
    const { status, body } = await admin.ask('GET', '/access-requests?state=open');
    assert.equal(status, 200);
    return body.access_requests;
  }

  test('asks, is let through for a day, and the waiting page goes on to the consent page of the same code by itself', async () => {
    const device = await asks();
    assert.equal((await device.poll()).error, 'authorization_pending');
    const [request, ...others] = await open();
    assert.deepEqual([others, request.account, request.reason, request.denied_by], [[], 'local:bob', 'I release on Friday.', []]);

    const granted = await admin.ask('POST', `/access-requests/${request.id}/grant`, { body: { owner: 'Alice', expires_at: inDays(1) } });

    assert.equal(granted.status, 200, JSON.stringify(granted.body));
    await until(async () => (await browser.text().catch(() => '')).includes(CONSENT), LATE, 'the page does not go on');
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Approved');
    assert.ok((await device.redeem()).access_token);
    assert.equal((await admin.ask('GET', `/exceptions/access-${request.id}`)).body.when.accounts[0], 'local:bob');
    const told = rows(server, 'Registry', "SELECT record FROM access_requests WHERE state = 'granted'");
    assert.equal(told.length, 1);
  });

  test('reads why not, asks again, and finds both answers at the account', async () => {
    await asks();
    const [{ id }] = await open();
    assert.equal((await admin.ask('POST', `/access-requests/${id}/refuse`, { body: { message: 'Please use the printer.' } })).status, 200);

    await browser.press('Check now');

    const page = await browser.sees('Not allowed');
    assert.match(page, /Your last request wasn’t granted\./);
    assert.match(page, /Please use the printer\./);
    await browser.type('reason', 'The printer is broken.');
    await browser.press('Ask for access');
    await browser.sees(WAITING);
    await browser.press('Requests for access');
    const list = await browser.sees('Requests for access');
    assert.match(list, /Waiting for an answer until/);
    assert.match(list, /Not granted\./);
  });
});
