// The entry of the floor in Rust. Its objects read and write as those of the floor by RPC do.

import { DurableObject } from 'cloudflare:workers';
import { object, open } from '../floor.js';
import { answer, ask } from './build/glue/floor.js';

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

export class GrantShard extends DurableObject {
  constructor(context, env) {
    super(context, env);
    this.run = open(context.storage.sql);
  }

  command(text) {
    return this.run(text);
  }
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const body = request.method === 'POST' ? await request.text() : '';
    const asked = ask(pathname, body, crypto.getRandomValues(new Uint8Array(25)), Date.now());
    if (!asked.startsWith('@')) return respond(asked);
    const space = asked.indexOf(' ');
    const reply = await object(env, asked.slice(1, space)).command(asked.slice(space + 1));
    return respond(answer(asked, reply));
  },
};

function respond(text) {
  return new Response(text.slice(3), { status: Number(text.slice(0, 3)), headers: HEADERS });
}
