// A person with a phone, played without a browser: keeps cookies, and submits the forms on the pages.
//
//     const alice = new Person(server);
//     await alice.enter(code); await alice.signIn(); await alice.decide('approve');
//     alice.page.heading;                       // 'Approved'

import assert from 'node:assert/strict';
import { accounts } from './config.mjs';
import { keepSecret } from './secrets.mjs';

export class Person {
  cookies = new Map();

  /**
   * @param {{ origin: string }} server whose pages the person reads; `origin` may have a path
   * @param {object} [options]
   * @param {object} [options.account] one of `accounts`; alice by default
   * @param {Record<string, string>} [options.headers] sent with every request
   */
  constructor(server, { account = accounts.alice, headers = {} } = {}) {
    Object.assign(this, { server, account, headers });
  }

  async open(path = '/device') {
    return this.#go(this.server.origin + path, {});
  }

  /** Opens the entry page and enters a code. */
  async enter(user_code) {
    await this.open();
    return this.submit({ step: 'code', user_code });
  }

  async signIn({ username, password } = this.account) {
    return this.submit({ step: 'sign_in', username, password });
  }

  /** Presses a button of the consent page, by default with the box ticked. */
  async decide(decision, { confirmed = true } = {}) {
    return this.submit({ step: 'decide', decision, confirm_device: confirmed ? 'yes' : undefined });
  }

  /** Enters a code and goes on to the consent page, signing in if necessary. */
  async consider(user_code) {
    await this.enter(user_code);
    if (this.page.html.includes('name="password"')) await this.signIn();
    this.mustRead(200, 'Approve or refuse');
  }

  /** Goes the whole way, from entering the code to approving. */
  async approve(user_code) {
    await this.consider(user_code);
    await this.decide('approve');
    this.mustRead(200, 'Approved');
  }

  async deny(user_code) {
    await this.consider(user_code);
    await this.decide('deny');
    this.mustRead(200, 'Refused');
  }

  mustRead(status, title) {
    const { page } = this;
    assert.deepEqual([page.status, page.title], [status, `${title} · Device sign-in`], page.text);
  }

  /** Submits a form with the hidden fields of the current page to a path; `undefined` leaves a field out. */
  async submit(fields, path = '/device') {
    const { csrf, transaction } = this.page;
    const given = Object.entries({ csrf, transaction, ...fields }).filter(([, value]) => value !== undefined);
    const headers = { origin: new URL(this.server.origin).origin, 'sec-fetch-site': 'same-origin' };
    return this.#go(this.server.origin + path, { method: 'POST', body: new URLSearchParams(given), headers });
  }

  async #go(path, { headers, ...init }) {
    const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
    const sent = { ...this.headers, ...headers, ...(cookie && { cookie }) };
    const response = await fetch(new URL(path, this.server.origin), { ...init, headers: sent, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    if (response.status === 303) return this.#go(response.headers.get('location'), {});
    this.page = page(response, await response.text());
    keepSecret('a CSRF token', this.page.csrf);
    keepSecret('a transaction', this.page.transaction);
    return this.page;
  }

  #keep(setCookie) {
    const [pair] = setCookie.split(';');
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    this.cookies.set(name, keepSecret('a cookie', value));
  }
}

/** Extracts from a page what a person or a test looks at. */
function page(response, html) {
  const hidden = (name) => html.match(new RegExp(`<input type="hidden" name="${name}" value="([^"]*)"`))?.[1];
  const text = (pattern) => plain(html.match(pattern)?.[1] ?? '');
  return {
    status: response.status,
    headers: response.headers,
    html,
    csrf: hidden('csrf'),
    transaction: hidden('transaction'),
    title: text(/<title>(.*?)<\/title>/s),
    heading: text(/<h1>(.*?)<\/h1>/s),
    problem: text(/id="problem"[^>]*>(.*?)<\/div>/s),
    text: text(/<main[^>]*>(.*?)<\/main>/s),
  };
}

/** Returns the text of markup, without tags and with single spaces. */
function plain(markup) {
  return markup.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim();
}
