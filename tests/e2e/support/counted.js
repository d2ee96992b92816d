// A Worker around the built one that counts what Cloudflare bills, for each class of objects: requests, alarms, and rows that
// the runtime says it has read and written; and all lines of the log. `GET /counted` returns the counts so far.

import worker, * as built from './index.js';

const NOTHING = { requests: 0, alarms: 0, rowsRead: 0, rowsWritten: 0, alarmsSet: 0, commits: 0, lines: 0 };
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

/** Replaces a method of what the runtime gives to all objects. */
function watch(object, name, seen) {
  const home = Object.getPrototypeOf(object);
  const method = home[name];
  if (method.watched) return;
  home[name] = function (...values) {
    const result = method.apply(this, values);
    seen(owners.get(this), result);
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
    #owner = { count, written: 0 };

    constructor(context, env) {
      super(context, env);
      const { storage } = context;
      all.add(this.#owner);
      owners.set(storage, this.#owner).set(storage.sql, this.#owner);
      watch(storage.sql, 'exec', (owner, cursor) => cursors.push([owner, cursor]));
      watch(storage, 'setAlarm', (owner) => (owner.count.alarmsSet += 1));
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

    async #count(what, run) {
      count[what] += 1;
      const answer = await run();
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
  fetch(request, ...rest) {
    if (new URL(request.url).pathname !== '/counted') return worker.fetch(request, ...rest);
    commit(all);
    return Response.json(counts);
  },
};
