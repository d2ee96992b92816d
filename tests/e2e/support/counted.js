// A Worker around the built one that counts what Cloudflare bills: requests to objects, alarms, and rows that the runtime says
// it has read and written. `GET /counted` returns the counts so far.

import worker, * as built from './index.js';

const counts = { requests: 0, alarms: 0, rowsRead: 0, rowsWritten: 0, alarmsSet: 0, commits: 0 };
const cursors = [];

/** Reads the cursors that have been used since the last time. Each goes on counting while its rows are read. */
function settle() {
  let written = 0;
  for (const cursor of cursors.splice(0)) {
    counts.rowsRead += cursor.rowsRead;
    written += cursor.rowsWritten;
  }
  counts.rowsWritten += written;
  return written;
}

/** Replaces a method of what the runtime gives to all objects. */
function watch(object, name, seen) {
  const home = Object.getPrototypeOf(object);
  const method = home[name];
  if (method.watched) return;
  home[name] = function (...values) {
    const result = method.apply(this, values);
    seen(result);
    return result;
  };
  home[name].watched = true;
}

function counted(Built) {
  return class extends Built {
    constructor(context, env) {
      const { storage } = context;
      watch(storage.sql, 'exec', (cursor) => cursors.push(cursor));
      watch(storage, 'setAlarm', () => (counts.alarmsSet += 1));
      super(context, env);
    }

    fetch(request) {
      return this.#count('requests', () => super.fetch(request));
    }

    command(text) {
      return this.#count('requests', () => super.command(text));
    }

    alarm() {
      return this.#count('alarms', () => super.alarm());
    }

    async #count(what, run) {
      counts[what] += 1;
      const answer = await run();
      if (settle()) counts.commits += 1;
      return answer;
    }
  };
}

export const GrantShard = counted(built.GrantShard);
export const AccountShard = counted(built.AccountShard);
export const LimiterShard = counted(built.LimiterShard);
export const Registry = counted(built.Registry);
export const Ledger = counted(built.Ledger);

export default {
  fetch(request, ...rest) {
    if (new URL(request.url).pathname !== '/counted') return worker.fetch(request, ...rest);
    settle();
    return Response.json(counts);
  },
};
