// Starts grants at one server, and reads how its memory grows.

import { Caller } from './caller.mjs';
import { form } from './servers.mjs';
import { memory } from './wrk.mjs';

const AT_ONCE = 16;

/** Starts grants until there are as many as each of `counts`. Returns their codes, and the resident memory at each, in MiB. */
export async function grow(server, start, counts) {
  const caller = new Caller(server, AT_ONCE);
  const codes = [];
  const sizes = [];
  for (const count of counts) {
    let left = count - codes.length;
    const repeat = async () => {
      while (left-- > 0) codes.push((await caller.start(form(start))).device_code);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, repeat));
    sizes.push(memory(server));
  }
  caller.close();
  return { codes, sizes };
}
