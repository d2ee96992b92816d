// Sends single requests over kept-alive connections, as a device and a person do. Counts them.

import http from 'node:http';
import { address } from './wrk.mjs';

/** One connection, or as many as `connections`, to a server. Keeps cookies, and sends `headers` with every request. */
export class Caller {
  count = 0;
  cookies = new Map();
  headers = {};

  constructor({ origin }, connections = 1) {
    this.origin = origin;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  }

  /**
   * Posts `form` or `json`, or gets `path`, and follows redirects. A device, which is not the person, sends no cookies.
   * Returns `{ status, text, path }` of the last answer.
   */
  async send(path, { form, json, method, headers, device = false } = {}) {
    const body = json ? JSON.stringify(json) : form && new URLSearchParams(form).toString();
    const type = json ? 'application/json' : 'application/x-www-form-urlencoded';
    const about = body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) };
    const response = await this.#exchange(path, method ?? (body === undefined ? 'GET' : 'POST'), { ...about, ...headers }, body, device);
    for (const line of response.headers['set-cookie'] ?? []) this.#keep(line);
    const next = response.status < 400 && response.headers.location;
    return next ? this.send(next) : { ...response, path };
  }

  #exchange(path, method, headers, body, device) {
    this.count += 1;
    const cookie = device ? '' : [...this.cookies].map((pair) => pair.join('=')).join('; ');
    const options = { agent: this.agent, method, headers: { ...this.headers, ...headers, ...(cookie && { cookie }) } };
    return new Promise((resolve, reject) => {
      const request = http.request(new URL(path, this.origin), options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text })).on('error', reject);
      });
      request.on('error', reject).end(body);
    });
  }

  #keep(line) {
    const [, name, value] = /^([^=]*)=([^;]*)/.exec(line);
    if (value) this.cookies.set(name, value);
    else this.cookies.delete(name);
  }

  /** Sends a form as a new device would, from an address of its own. Returns the answer's members. */
  async start({ path, body }) {
    const { status, text } = await this.send(path, { device: true, form: body, headers: { 'cf-connecting-ip': numbered(address()) } });
    if (status !== 200) throw new Error(`${this.origin}${path} answered ${status}: ${text}`);
    return JSON.parse(text);
  }

  close() {
    this.agent.destroy();
  }
}

/** An address outside of those of bench/load.lua. */
function numbered(n) {
  return `40.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}
