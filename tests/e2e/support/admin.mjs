// An operator, who calls the admin API. Every answer is checked against the OpenAPI document.
//
//     const admin = new Admin(server);
//     const { body, etag } = await admin.create({ client_name: 'TV', … });

import assert from 'node:assert/strict';
import { checkAnswer } from './openapi.mjs';
import { keepSecret, knowClient } from './secrets.mjs';

/** The admin token of a development server. It is public, but must still never be in a log. */
export const ADMIN_TOKEN = keepSecret('the development admin token', 'development-admin-token');

export class Admin {
  constructor(server, { token = ADMIN_TOKEN, headers = {} } = {}) {
    Object.assign(this, { server, token, headers });
  }

  /** Sends a request. Returns `status`, `headers`, `body` (parsed JSON, or the text; undefined without a content type) and `etag`. */
  async ask(method, path, { body, ifMatch, type = body && 'application/json', raw } = {}) {
    const headers = {
      ...this.headers,
      ...(this.token && { authorization: `Bearer ${this.token}` }),
      ...(type && { 'content-type': type }),
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    };
    const response = await fetch(`${this.server.origin}/admin/api${path}`, { method, headers, body: raw ?? (body && JSON.stringify(body)) });
    const text = await response.text();
    const is = response.headers.get('content-type');
    const read = /[/+]json$/.test(is) ? JSON.parse(text) : is === null ? undefined : text;
    const answer = { status: response.status, headers: response.headers, body: read, etag: response.headers.get('etag') };
    const { id, client_id, client_secret, token, link } = typeof read === 'object' ? read : {};
    keepSecret(`the secret of ${client_id}`, client_secret);
    keepSecret(`the admin token ${id}`, token);
    keepSecret(`the secret of the invitation ${id}`, link?.split('secret=')[1]);
    if (client_id) knowClient(client_id);
    checkAnswer(method, path, answer);
    return answer;
  }

  /** Creates a client; fails the test if the server refuses. */
  async create(client) {
    const answer = await this.ask('POST', '/clients', { body: client });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer;
  }

  read(client_id) {
    return this.ask('GET', `/clients/${encodeURIComponent(client_id)}`);
  }

  patch(client_id, body, ifMatch = '*') {
    return this.ask('PATCH', `/clients/${encodeURIComponent(client_id)}`, { body, ifMatch, type: 'application/merge-patch+json' });
  }
}
