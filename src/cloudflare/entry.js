// The exports of the Worker: hand each call to the wasm module, and start the module again after a trap.
//
// A trap (a panic, or the end of the stack or of the memory) leaves the module's memory as it was in the middle of a
// call. The module cannot go on, and the futures of all calls in flight are lost with it: nothing would ever answer
// them, and the runtime does not notice that in an object. So these calls fail, and the objects among them are reset
// by the runtime, which drops what they have not committed and rings an alarm again. Decision 41 has the reasons.

import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';
import * as wasm from './index.js';

/** The instance of the module: for each call in flight in it, a function that lets this call fail. */
let instance = new Set();

/** Gives all calls to a new instance of the module, and lets those in flight fail. */
function restart(trap) {
  console.error(JSON.stringify({ what: 'trap', outcome: 'restarted', reason: String(trap), stack: trap.stack }));
  const lost = instance;
  instance = new Set();
  lost.forEach((fail) => fail(new Error('The server had to start again.')));
  wasm.__wbg_reset_state();
}

// A future runs in a microtask of its own, so nobody else catches its trap.
addEventListener('error', ({ error }) => isTrap(error) && restart(error));
addEventListener('unhandledrejection', ({ reason }) => isTrap(reason) && restart(reason));

/** Stack overflows are RangeErrors. */
function isTrap(error) {
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
}

/** Calls the module. Fails if the instance that was called traps, in this call or in another one. */
async function call(run) {
  const called = instance;
  let fail;
  const lost = new Promise((_, reject) => called.add((fail = reject)));
  try {
    return await Promise.race([enter(run), lost]);
  } finally {
    called.delete(fail);
  }
}

/** The module returns promises, which can reject. It throws nothing, so all that it throws are traps. */
function enter(run) {
  try {
    return run();
  } catch (trap) {
    restart(trap);
    return Promise.reject(trap);
  }
}

/** Returns the class of Durable Objects whose Rust struct has this name. */
function objects(name) {
  return class extends DurableObject {
    #struct;
    /** The instance of the module that `#struct` lives in. */
    #home;

    fetch(request) {
      return this.#call('fetch', request);
    }

    alarm() {
      return this.#call('alarm');
    }

    async #call(method, ...values) {
      const called = instance;
      try {
        return await call(() => this.#inside()[method](...values));
      } catch (error) {
        if (called !== instance) this.ctx.abort('The object had to start again.');
        throw error;
      }
    }

    #inside() {
      if (this.#home !== instance) {
        this.#struct = new wasm[name](this.ctx, this.env);
        this.#home = instance;
      }
      return this.#struct;
    }
  };
}

export const GrantShard = objects('GrantShard');
export const AccountShard = objects('AccountShard');
export const LimiterShard = objects('LimiterShard');
export const Registry = objects('Registry');
export const Ledger = objects('Ledger');

export default class extends WorkerEntrypoint {
  fetch(request) {
    return call(() => wasm.fetch(request, this.env, this.ctx));
  }
}
