// Waiting: for an interval that the protocol demands, or for a condition, and never for longer than said.

import { setTimeout as sleep } from 'node:timers/promises';

/** Waits as a device must before it may ask again. */
export async function interval(seconds) {
  await sleep(seconds * 1000);
}

/** Waits until an instant of the protocol's, such as a code's end, is past. */
export async function past(milliseconds) {
  while (Date.now() <= milliseconds) await sleep(milliseconds - Date.now() + 1);
}

/** Asks again and again until `condition` gives something; fails with `message` if it takes too long. */
export async function until(condition, milliseconds, message) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${message} within ${milliseconds} ms`);
    await sleep(20);
  }
}
