// The floor whose objects are asked by RPC.

import { DurableObject } from 'cloudflare:workers';
import { answer, object, open } from './floor.js';

export class GrantShard extends DurableObject {
  constructor(context, env) {
    super(context, env);
    this.run = open(context.storage.sql);
  }

  command(text) {
    return this.run(text);
  }
}

export default { fetch: (request, env) => answer(request, (n, command) => object(env, n).command(command)) };
