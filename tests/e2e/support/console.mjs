// An administrator at the console, who reads its pages and presses its buttons in a browser.
//
//     const nora = await Keeper.enters(browser, server);
//     await nora.goes('Exceptions');
//     await nora.fills({ owner: 'Nora Keeper' });

import assert from 'node:assert/strict';
import { accounts } from './config.mjs';
import { Key } from './browser.mjs';

export class Keeper {
  constructor(browser, server) {
    Object.assign(this, { browser, server });
  }

  /** Opens the console and signs in. */
  static async enters(browser, server, account = accounts.nora) {
    const keeper = new Keeper(browser, server);
    await keeper.signsIn(account);
    await browser.sees('Overview');
    return keeper;
  }

  async signsIn({ username, password }) {
    await this.browser.open(`${this.server.origin}/admin`);
    await this.browser.type('username', username);
    await this.browser.type('password', password);
    await this.browser.press('Sign in');
  }

  /** Goes to a page of the menu, and returns its text. */
  async goes(label, heading = label) {
    // The driver takes the menu for hidden, because only the style shows what is in a closed `details`.
    await this.browser.run(() => (document.querySelector('.menu').open = true));
    return this.presses(label, heading);
  }

  /** Types into the fields with these names. A date is typed as the browser asks for it. */
  async fills(fields) {
    for (const [name, value] of Object.entries(fields)) {
      if (value instanceof Date) await this.#picks(name, value);
      else await this.browser.type(name, value);
    }
  }

  /** Presses a button, and returns the text of the page that says so with this heading. */
  async presses(button, heading) {
    await this.browser.press(button);
    return this.browser.sees(heading);
  }

  /** Writes a draft of the policy, looks at what it would change, and makes it the policy. Returns both texts. */
  async makesPolicy(policy, reason) {
    await this.goes('Policy');
    await this.presses('Write a draft', 'Draft of a policy');
    await this.fills({ document: JSON.stringify(policy) });
    const tried = await this.presses('Show what it would change', 'What the draft would change');
    await this.fills({ reason });
    await this.browser.press('Make it the policy');
    const saved = await this.browser.text();
    assert.match(saved, /Version \d+ is in force\./);
    return { tried, saved };
  }

  /** Opens the request for access of somebody, presses the button of an answer, and returns the text of the page that follows. */
  async answers(name, button) {
    await this.goes('Access requests');
    await this.presses(name, `${name} asks for Demo TV`);
    await this.browser.press(button);
    return this.browser.text();
  }

  /** Types a date and time into a field for both, to the minute, in UTC. */
  async #picks(name, date) {
    const [year, month, day, hour, minute] = date.toISOString().split(/\D/);
    const [half, clock] = [hour < 12 ? 'AM' : 'PM', String(hour % 12 || 12).padStart(2, '0')];
    await this.browser.fill(`[name="${name}"]`, `${month}${day}${year}`, Key.TAB, `${clock}${minute}${half}`);
    assert.equal(await this.browser.value(name), date.toISOString().slice(0, 16));
  }
}
