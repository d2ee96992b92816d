// The exports of the Worker: hand each call to the wasm module as text, and start the module again after a trap. All
// decisions are made in wasm. It says once which headers it reads of a request for which path, and how much of a body.
//
// A trap (a panic, or the end of the stack or of the memory) leaves the module's memory as it was in the middle of a
// call. The module cannot go on, and the futures of all calls in flight are lost with it: nothing would ever answer
// them, and the runtime does not notice that in an object. So these calls fail, and the objects among them are reset
// by the runtime, which drops what they have not committed and rings an alarm again. Decision 41 has the reasons.

import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';
import * as wasm from './index.js';

/** The instance of the module: for each call that waits in it, a function that lets this call fail. */
let instance = new Set();
/** What wasm reads of requests: see `Table` in src/endpoint/wire.rs. */
let table;

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

/** Calls the module, which answers at once or with a promise. */
function call(run) {
  try {
    const answer = run();
    return answer instanceof Promise ? unlessLost(answer) : answer;
  } catch (error) {
    if (isTrap(error)) restart(error);
    throw error;
  }
}

/** Waits for an answer of the module. Fails if the instance that was called traps, in this call or in another one. */
function unlessLost(answer) {
  const called = instance;
  return new Promise((resolve, reject) => {
    called.add(reject);
    answer.then(resolve, reject).finally(() => called.delete(reject));
  });
}

/** Returns the class of Durable Objects that hands calls of these methods on to objects of `Exported`. */
function objects(Exported, ...methods) {
  return class extends DurableObject {
    #object;
    /** The instance of the module that `#object` lives in. */
    #home;

    static {
      for (const method of methods) {
        this.prototype[method] = function (text) {
          return this.#call(method, text);
        };
      }
    }

    #call(method, text) {
      const called = instance;
      try {
        const answer = call(() => this.#inside()[method](text));
        return answer instanceof Promise ? answer.catch((error) => this.#fail(called, error)) : answer;
      } catch (error) {
        return this.#fail(called, error);
      }
    }

    /** Fails. If the module has trapped, the runtime also starts the object again. */
    #fail(called, error) {
      if (called !== instance) this.ctx.abort('The object had to start again.');
      throw error;
    }

    #inside() {
      if (this.#home !== instance) {
        this.#object = new Exported(this.ctx, this.env);
        this.#home = instance;
      }
      return this.#object;
    }
  };
}

/** Its objects also have WebSockets, which hibernate with them. */
export class GrantShard extends objects(wasm.ExportedGrantShard, 'command', 'alarm', 'listen') {
  async fetch(request) {
    const answer = await this.listen(request.headers.get('x-listen'));
    return typeof answer === 'string' ? new Response(answer) : new Response(null, { status: 101, webSocket: answer });
  }

  webSocketMessage(socket, message) {
    call(() => wasm.heard(socket, typeof message === 'string'));
  }
}

export const AccountShard = objects(wasm.ExportedAccountShard, 'command', 'alarm');
export const LimiterShard = objects(wasm.ExportedLimiterShard, 'command', 'alarm');
export const Registry = objects(wasm.ExportedRegistry, 'command', 'alarm', 'snapshot');
export const Ledger = objects(wasm.ExportedLedger, 'command', 'alarm');

export default class extends WorkerEntrypoint {
  async fetch(request) {
    table ??= JSON.parse(call(() => wasm.table(this.env)));
    const body = request.body ? await read(request) : new Uint8Array();
    return response(await call(() => wasm.fetch(head(request), body, request, this.env, this.ctx)));
  }
}

/** Returns the path of a URL. */
function pathOf(url) {
  return url.slice(url.indexOf('/', url.indexOf('://') + 3)).split(/[?#]/, 1)[0];
}

/** Returns method, URL and headers, a line each. */
function head({ method, url, headers }) {
  let text = `${method}\n${url}`;
  for (const name of table.routes[pathOf(url)] ?? table.others) {
    const value = headers.get(name);
    if (value !== null) text += `\n${name}:${value}`;
  }
  return text;
}

/** Reads a body: `undefined` if it is too large, which ends the reading, and `null` if it breaks off. */
async function read(request) {
  try {
    const most = table.sizes[pathOf(request.url)] ?? table.most;
    const length = request.headers.get('content-length');
    if (Number(length) > most) return undefined;
    return length ? new Uint8Array(await request.arrayBuffer()) : await pieces(request.body, most);
  } catch {
    return null;
  }
}

/** Reads a body of unknown length. */
async function pieces(stream, most) {
  const parts = [];
  let size = 0;
  for await (const part of stream) {
    parts.push(part);
    size += part.length;
    if (size > most) return undefined;
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

/** Makes a response of its text: status and headers, a line each, an empty line, and the body; or of that, and bytes or a WebSocket. */
function response(answer) {
  const [text, bytes, webSocket] = typeof answer === 'string' ? [answer] : answer;
  const end = text.indexOf('\n\n');
  const [status, ...lines] = text.slice(0, end).split('\n');
  const headers = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);
  // 204 must have no body at all, not an empty one.
  return new Response((bytes ?? text.slice(end + 2)) || null, { status: Number(status), headers, webSocket });
}
