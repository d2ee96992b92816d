// How long each object is awake, in milliseconds: while one of its calls, alarms, promises of `waitUntil`
// or timers is pending, or something that it has written is not stored yet. What is pending at the same time counts once.
// While a timer is pending, an object cannot hibernate, and its run time is billed.

import { AsyncLocalStorage } from 'node:async_hooks';

/** The object whose code is running: what a timer belongs to. */
const running = new AsyncLocalStorage();
/** Timers of objects that have neither rung nor been cleared: for the number of each, the function that ends its time. */
const timers = new Map();
const { setTimeout: set, clearTimeout: clear } = globalThis;

export class Awake {
  #pending = 0;
  #since = 0;
  #before = 0;

  /** How long so far. */
  get milliseconds() {
    return this.#before + (this.#pending ? performance.now() - this.#since : 0);
  }

  /** Runs what belongs to the object, and counts the time until it has settled. */
  async during(run) {
    const end = this.begin();
    try {
      return await running.run(this, run);
    } finally {
      end();
    }
  }

  /** Something is pending from now on. Returns the function that ends it. */
  begin() {
    if (this.#pending++ === 0) this.#since = performance.now();
    return () => {
      if (--this.#pending === 0) this.#before += performance.now() - this.#since;
    };
  }
}

globalThis.setTimeout = (run, ...rest) => {
  const end = running.getStore()?.begin();
  const timer = set((...values) => {
    over(timer);
    run(...values);
  }, ...rest);
  if (end) timers.set(Number(timer), end);
  return timer;
};

globalThis.clearTimeout = (timer) => {
  over(timer);
  clear(timer);
};

function over(timer) {
  timers.get(Number(timer))?.();
  timers.delete(Number(timer));
}
