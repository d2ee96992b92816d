// Waits: for an interval that the protocol demands, for an instant, or for a condition with a time limit.

import { setTimeout as sleep } from 'node:timers/promises';

/** Waits as long as a device must between two polls. */
export async function interval(seconds) {
  await sleep(seconds * 1000);
}

/** Waits until an instant, such as the end of a code, has passed. In milliseconds since 1970. */
export async function past(milliseconds) {
  while (Date.now() <= milliseconds) await sleep(milliseconds - Date.now() + 1);
}

/** Evaluates `condition` until it is truthy, and returns that value; throws `message` after `milliseconds`. */
export async function until(condition, milliseconds, message) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${message} within ${milliseconds} ms`);
    await sleep(20);
  }
}
