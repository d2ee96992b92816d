// A Worker around the built one that counts what Cloudflare bills, for each class of objects: requests, alarms, messages of
// WebSockets, rows that the runtime says it has read and written, and milliseconds awake; and all lines of the log.
// `GET /counted` returns the counts so far; with `?later=1000`, it first puts the clock forward by as many milliseconds.

import { follow, hurry, putForward } from './ahead.js';
import { Awake } from './awake.js';
import worker, * as built from './index.js';

const NOTHING = { requests: 0, alarms: 0, messages: 0, rowsRead: 0, rowsWritten: 0, alarmsSet: 0, commits: 0, lines: 0, awake: 0 };
const counts = { Log: { ...NOTHING } };
/** The object of each database and of each storage: the counts of its class, and what it has written since its last commit. */
const owners = new WeakMap();
/** All objects. */
const all = new Set();
/** The cursors that have been used, each with its object. */
const cursors = [];

/** Reads the cursors that have been used since the last time. Each goes on counting while its rows are read. */
function settle() {
  for (const [owner, cursor] of cursors.splice(0)) {
    owner.count.rowsRead += cursor.rowsRead;
    owner.count.rowsWritten += cursor.rowsWritten;
    owner.written += cursor.rowsWritten;
  }
}

/** Counts a commit of each object that has written something since its last one, such as by a timer. */
function commit(those) {
  settle();
  for (const owner of those) {
    if (owner.written) owner.count.commits += 1;
    owner.written = 0;
  }
}

/** The counts, with how long the objects of each class have been awake. */
function withTimes() {
  for (const { count } of all) count.awake = 0;
  for (const { count, awake } of all) count.awake += awake.milliseconds;
  return counts;
}

/** The ids of all objects. An object that the runtime has dropped and made again is here twice. */
function ids() {
  return [...new Map([...all].map(({ id }) => [String(id), id])).values()];
}

/** Replaces a method of what the runtime gives to all objects. */
function watch(object, name, seen) {
  const home = Object.getPrototypeOf(object);
  const method = home[name];
  if (method.watched) return;
  home[name] = function (...values) {
    const result = method.apply(this, values);
    const owner = owners.get(this);
    if (owner) seen(owner, result, values);
    return result;
  };
  home[name].watched = true;
}

for (const level of ['log', 'warn', 'error']) {
  const write = console[level];
  console[level] = (...line) => {
    counts.Log.lines += 1;
    write.apply(console, line);
  };
}

function counted(name) {
  const count = (counts[name] = { ...NOTHING });
  return class extends built[name] {
    #owner = { count, written: 0, awake: new Awake(), id: undefined };

    constructor(context, env) {
      super(context, env);
      const { storage } = context;
      this.#owner.id = context.id;
      all.add(this.#owner);
      follow(storage);
      owners.set(storage, this.#owner).set(storage.sql, this.#owner).set(context, this.#owner);
      watch(storage.sql, 'exec', (owner, cursor) => cursors.push([owner, cursor]));
      watch(storage, 'setAlarm', (owner) => (owner.count.alarmsSet += 1));
      watch(context, 'waitUntil', ({ awake }, _, [promise]) => Promise.resolve(promise).finally(awake.begin()).catch(() => {}));
    }

    fetch(request) {
      return this.#count('requests', () => super.fetch(request));
    }

    command(text) {
      return this.#count('requests', () => super.command(text));
    }

    snapshot() {
      return this.#count('requests', () => super.snapshot());
    }

    alarm() {
      return this.#count('alarms', () => super.alarm());
    }

    hurry(milliseconds) {
      return hurry(this.ctx.storage, milliseconds);
    }

    webSocketMessage(...values) {
      return this.#count('messages', () => super.webSocketMessage(...values));
    }

    async #count(what, run) {
      count[what] += 1;
      const { awake } = this.#owner;
      const answer = await awake.during(run);
      settle();
      if (this.#owner.written) awake.during(() => this.ctx.storage.sync());
      commit([this.#owner]);
      return answer;
    }
  };
}

export const GrantShard = counted('GrantShard');
export const AccountShard = counted('AccountShard');
export const LimiterShard = counted('LimiterShard');
export const Registry = counted('Registry');
export const Ledger = counted('Ledger');
export const Counts = counted('Counts');
export const Courier = counted('Courier');

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/counted') return worker.fetch(request, env, context);
    if (searchParams.has('later')) await putForward(Number(searchParams.get('later')), ids(), env);
    commit(all);
    return Response.json(withTimes());
  },
};
