// The floor by RPC that writes the rows that this server writes for a start, in one transaction: a grant of the same size in
// a table with an index, the counts of its network, an event in the outbox, and the alarm that sweeps them.

import { DurableObject } from 'cloudflare:workers';
import { answer, object } from './floor.js';

const RECORD = 'r'.repeat(900);
const EVENT = 'e'.repeat(500);
const COUNTS = 'c'.repeat(150);
const MINUTE = 60_000;

export class GrantShard extends DurableObject {
  #alarm = 0;

  constructor(context, env) {
    super(context, env);
    this.sql = context.storage.sql;
    this.sql.exec(`CREATE TABLE IF NOT EXISTS grants (
        key TEXT PRIMARY KEY, live_until INTEGER NOT NULL, network TEXT NOT NULL, ends_at INTEGER NOT NULL, record TEXT NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS grants_ends_at ON grants (ends_at);
      CREATE TABLE IF NOT EXISTS live_codes (network TEXT PRIMARY KEY, ends_at INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY, event TEXT NOT NULL)`);
  }

  command(text) {
    const [operation, key, state, ends] = text.split(' ');
    if (operation === 's') return this.#state(key);
    this.ctx.storage.transactionSync(() => this.#insert(key, `${state} ${RECORD}`, Number(ends)));
    return 'ok';
  }

  #state(key) {
    const [row] = this.sql.exec('SELECT record FROM grants WHERE key = ?', key).toArray();
    return row?.record.split(' ')[0] ?? 'absent';
  }

  #insert(key, record, ends) {
    this.sql.exec('INSERT INTO grants VALUES (?, ?, ?, ?, ?)', key, ends, key.slice(0, 12), ends, record);
    this.sql.exec('INSERT OR REPLACE INTO live_codes VALUES (?, ?, ?)', key.slice(0, 12), ends, COUNTS);
    this.sql.exec('INSERT INTO outbox (event) VALUES (?)', EVENT);
    const next = Math.ceil((Date.now() + MINUTE) / MINUTE) * MINUTE;
    if (this.#alarm !== next) this.ctx.storage.setAlarm((this.#alarm = next));
  }

  alarm() {
    this.#alarm = 0;
    this.sql.exec('DELETE FROM outbox');
  }
}

export default { fetch: (request, env) => answer(request, (n, command) => object(env, n).command(command)) };
