// A device, played with plain requests: it starts, polls and refreshes, and remembers its codes and tokens.
//
//     const tv = await Device.start(server);
//     await tv.poll();                          // { status: 400, error: 'authorization_pending', interval: 5, … }

import assert from 'node:assert/strict';
import { clients } from './config.mjs';
import { keepSecret, keepUserCode } from './secrets.mjs';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
export const ALL_SCOPES = 'openid profile email offline_access';

export class Device {
  /**
   * @param {object} server whose `origin` gets the requests
   * @param {object} [options]
   * @param {object} [options.client] one of `clients`; `demo-tv` by default
   * @param {'none' | 'post' | 'basic'} [options.by] how the client authenticates
   * @param {Record<string, string>} [options.headers] sent with every request
   */
  constructor(server, { client = clients.tv, by = client.client_secret ? 'post' : 'none', headers = {} } = {}) {
    Object.assign(this, { server, client, by, headers });
  }

  /** Returns a device that has its codes. Options that the constructor does not know are parameters of the request. */
  static async start(server, { client, by, headers, scope = ALL_SCOPES, ...parameters } = {}) {
    const device = new Device(server, { client, by, headers });
    const answer = await device.start({ scope, ...parameters });
    assert.equal(answer.status, 200, JSON.stringify(answer));
    return device;
  }

  /** Requests codes (RFC 8628 §3.1), and keeps them if the server issues them. */
  async start(parameters = { scope: ALL_SCOPES }) {
    const answer = await this.ask('/device_authorization', parameters);
    if (answer.status === 200) this.codes = answer;
    keepSecret('a device code', answer.device_code);
    keepUserCode(answer.user_code);
    return answer;
  }

  get userCode() {
    return this.codes.user_code;
  }

  /** Sends one token request with the device code (RFC 8628 §3.4). */
  async poll(device_code = this.codes.device_code) {
    return this.#exchange({ grant_type: DEVICE_GRANT, device_code });
  }

  /** Polls; fails the test unless the server issues tokens. */
  async redeem() {
    const tokens = await this.poll();
    assert.equal(tokens.status, 200, JSON.stringify(tokens));
    return tokens;
  }

  /** Refreshes once (RFC 6749 §6), with the newest refresh token by default. */
  async refresh(refresh_token = this.tokens.refresh_token, parameters = {}) {
    return this.#exchange({ grant_type: 'refresh_token', refresh_token, ...parameters });
  }

  async #exchange(parameters) {
    const answer = await this.ask('/token', parameters);
    if (answer.status === 200) this.tokens = answer;
    keepSecret('an access token', answer.access_token);
    keepSecret('an ID token', answer.id_token);
    keepSecret('a refresh token', answer.refresh_token);
    return answer;
  }

  /** Posts a form with the client's authentication. Returns the answer's members, `status` and `retryAfter`. */
  async ask(path, parameters) {
    const body = new URLSearchParams(this.#identified(parameters));
    const response = await fetch(this.server.origin + path, { method: 'POST', body, headers: this.#authenticated() });
    const retryAfter = response.headers.get('retry-after');
    return { status: response.status, ...(retryAfter && { retryAfter }), ...(await response.json()) };
  }

  #identified(parameters) {
    const { client_id, client_secret } = this.client;
    const identity = { none: { client_id }, post: { client_id, client_secret }, basic: {} }[this.by];
    const given = Object.entries({ ...identity, ...parameters }).filter(([, value]) => value !== undefined);
    return Object.fromEntries(given);
  }

  #authenticated() {
    if (this.by !== 'basic') return this.headers;
    const pair = [this.client.client_id, this.client.client_secret].map(encodeURIComponent).join(':');
    return { ...this.headers, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  }
}
