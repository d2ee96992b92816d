// The export of the Worker when scripts/build makes it: hands each request to the wasm module, and starts the module
// again after a trap. `worker-build` makes an entry like this one itself.

import { WorkerEntrypoint } from 'cloudflare:workers';
import * as wasm from './index.js';

addEventListener('error', ({ error }) => restartAfter(error));
addEventListener('unhandledrejection', ({ reason }) => restartAfter(reason));

function restartAfter(error) {
  if (error instanceof WebAssembly.RuntimeError) wasm.__wbg_reset_state();
}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    try {
      return await wasm.fetch(request, this.env, this.ctx);
    } catch (error) {
      restartAfter(error);
      throw error;
    }
  }
}
