// A browser at a provider, played with plain requests: it keeps the provider's cookies and sends its forms.
//
//     const callback = await new Visitor().signInAtNode(address, 'carol');

import { keepSecret } from './secrets.mjs';

export class Visitor {
  cookies = new Map();
  /** How often a password was typed. */
  passwords = 0;

  /** Signs in at `oidc-provider`, where any password is right. Returns the address of the callback. */
  async signInAtNode(address, login) {
    let response = await this.#go(address);
    for (let forms = 0; forms < 5; forms += 1) {
      if (typeof response === 'string') return response;
      const [, action] = response.html.match(/<form[^>]* action="([^"]*)"/);
      const [, prompt] = response.html.match(/name="prompt" value="([^"]*)"/);
      const form = prompt === 'login' ? { prompt, login, password: 'x' } : { prompt };
      if (prompt === 'login') this.passwords += 1;
      response = await this.#go(new URL(action, response.url), form);
    }
    throw new Error('oidc-provider shows form after form');
  }

  /** Signs out at `oidc-provider`, which tells its clients. */
  async signOutAtNode(issuer) {
    const { url, html } = await this.#go(`${issuer}/session/end`);
    const [, action] = html.match(/<form[^>]* action="([^"]*)"/);
    const [, xsrf] = html.match(/name="xsrf" value="([^"]*)"/);
    await this.#go(new URL(action, url), { xsrf, logout: 'yes' });
  }

  /** Signs in at glewlwyd through its API. Returns the address of the callback. */
  async signInAtGlewlwyd(origin, address, { username, password }) {
    await this.#json(`${origin}/api/auth/`, 'POST', { username, password });
    await this.#json(`${origin}/api/auth/grant/device-grant`, 'PUT', { scope: 'openid' });
    const back = await this.#go(`${address}&g_continue=`);
    if (typeof back !== 'string') throw new Error(`glewlwyd shows a page at ${back.url}`);
    return back;
  }

  async #json(url, method, body) {
    const response = await this.#fetch(url, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  }

  /** Follows redirects within the provider. Returns the page they lead to, or the address of the callback. */
  async #go(address, form) {
    const { host } = new URL(address);
    let url = new URL(address);
    let init = form && { method: 'POST', body: new URLSearchParams(form) };
    for (let redirects = 0; redirects < 10; redirects += 1) {
      const response = await this.#fetch(url, init);
      const location = response.headers.get('location');
      if (!location) return { url, html: await response.text() };
      url = new URL(location, url);
      if (url.host !== host) return url.href;
      init = undefined;
    }
    throw new Error(`${address} redirects too often`);
  }

  async #fetch(url, { headers, ...init } = {}) {
    const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
    const response = await fetch(url, { ...init, headers: { ...headers, ...(cookie && { cookie }) }, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (value) this.cookies.set(name, keepSecret('a cookie of a provider', value));
      else this.cookies.delete(name);
    }
    return response;
  }
}
