// The exports of the Worker: hand each call to the wasm module as text, and start the module again after a trap. All
// decisions are made in wasm. It says once which headers it reads of a request for which path, and how much of a body.
//
// A trap (a panic, or the end of the stack or of the memory) leaves the module's memory as it was in the middle of a
// call. The module cannot go on, and the futures of all calls in flight are lost with it: nothing would ever answer
// them, and the runtime does not notice that in an object. So these calls fail, and the objects among them are reset
// by the runtime, which drops what they have not committed and rings an alarm again. Decision 41 has the reasons.

import { DurableObject } from 'cloudflare:workers';
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
        this.prototype[method] = function (text, request) {
          return this.#call(method, text, request);
        };
      }
    }

    #call(method, text, request) {
      const called = instance;
      try {
        const answer = call(() => this.#inside()[method](text, request));
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
export const Counts = objects(wasm.ExportedCounts, 'command', 'alarm');
export const Courier = objects(wasm.ExportedCourier, 'command', 'alarm');

export default {
  async fetch(request, env, context) {
    table ??= JSON.parse(call(() => wasm.table(env)));
    const { url } = request;
    const path = pathOf(url);
    const length = request.headers.get('content-length');
    // To look at a body makes a stream.
    const body = length || request.body ? await read(request, path, length) : NOTHING;
    const ask = (url, path, body) =>
      answered(call(() => wasm.fetch(head(request, url, path), body, body === null, request, env, context)));
    return response(await ask(url, path, body), (rest) => {
      const { href } = new URL(rest, url);
      return ask(href, pathOf(href), NOTHING);
    });
  },
};

const NOTHING = new Uint8Array();

/** Waits for the calls of objects that lead to an answer. */
function answered(answer) {
  return answer.task ? resumed(answer) : answer;
}

/**
 * Waits for a call of an object, and goes on with the request that made it, until there is an answer. A call always ends, even
 * if the module traps meanwhile: the object's own call fails then.
 */
async function resumed({ reply, task }) {
  const called = instance;
  let text, failure;
  try {
    text = await reply;
  } catch (error) {
    failure = error;
  }
  // The number of a request says nothing to another instance.
  if (called !== instance) throw failure ?? new Error('The server had to start again.');
  return answered(call(() => wasm.resume(task, text, failure)));
}

/** What ends the path of a URL. */
const END = /[?#]/;

/** Returns the path of a URL. */
function pathOf(url) {
  const path = url.slice(url.indexOf('/', url.indexOf('://') + 3));
  const end = path.search(END);
  return end < 0 ? path : path.slice(0, end);
}

/** Returns method, URL and headers, a line each. */
function head({ method, headers }, url, path) {
  let text = `${method}\n${url}`;
  for (const name of table.routes[path] ?? table.others) {
    const value = headers.get(name);
    if (value !== null) text += `\n${name}:${value}`;
  }
  return text;
}

/** Reads a body: `undefined` if it is too large, which ends the reading, and `null` if it breaks off. */
async function read(request, path, length) {
  try {
    const most = table.sizes[path] ?? table.most;
    if (Number(length) > most) return undefined;
    // Beside `Transfer-Encoding`, the runtime hides the length, as RFC 9112 §6.3 says.
    return length ? await request.bytes() : await pieces(request.body, most);
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

/** Makes a response of an answer of wasm. `ask` gets the answer for the address of the rest of a body. */
function response(answer, ask) {
  const { head, begin, bytes, webSocket, rest } = parts(answer);
  // 204 must have no body at all, not an empty one.
  const body = rest ? stream(begin, rest, ask) : (bytes ?? begin) || null;
  return new Response(body, webSocket ? { ...head, webSocket } : head);
}

/**
 * Reads an answer: a text, which is status and headers, a line each, an empty line, and the body; or that, and bytes, a
 * WebSocket or the address of the rest of the body.
 */
function parts(answer) {
  const [text, bytes, webSocket, rest] = typeof answer === 'string' ? [answer] : answer;
  const end = text.indexOf('\n\n');
  return { head: responseHead(text.slice(0, end)), begin: text.slice(end + 2), bytes, webSocket, rest };
}

/** Statuses and headers of responses by their text. Most responses have one of a few, and to make headers takes long. */
const heads = new Map();
/** How many to remember. */
const MOST_HEADS = 100;

function responseHead(text) {
  let head = heads.get(text);
  if (!head) {
    const [status, ...lines] = text.split('\n');
    const headers = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);
    head = { status: Number(status), headers: new Headers(headers) };
    // A cookie is a secret, and no other response has the same.
    if (text.includes('\nset-cookie:')) return head;
    if (heads.size >= MOST_HEADS) heads.clear();
    heads.set(text, head);
  }
  return head;
}

/** Returns a body that begins with a text. It asks for more once that was read, and breaks off if the answer is no success. */
function stream(begin, rest, ask) {
  const encoder = new TextEncoder();
  let head = { status: 200 };
  return new ReadableStream({
    async pull(controller) {
      while (!begin && rest && head.status === 200) ({ head, begin, rest } = parts(await ask(rest)));
      if (head.status !== 200) controller.error(new Error('The rest could not be read.'));
      else if (begin) controller.enqueue(encoder.encode(begin));
      else controller.close();
      begin = '';
    },
  });
}
