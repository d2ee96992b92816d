// The floor whose objects are asked by `fetch`.

import { answer, object, open } from './floor.js';

export class GrantShard {
  constructor({ storage }) {
    this.run = open(storage.sql);
  }

  async fetch(request) {
    return new Response(this.run(await request.text()));
  }
}

export default {
  fetch: (request, env) =>
    answer(request, async (n, body) => (await object(env, n).fetch('http://object/', { method: 'POST', body })).text()),
};
