// People who are denied, and ask for access.

import assert from 'node:assert/strict';
import { Device } from './device.mjs';
import { Person } from './person.mjs';

/** A policy that lets nobody in, and everybody ask. */
export const ASKING = {
  default: 'enforced', access_requests: true, reason: 'A test',
  rules: [{ id: 'nobody', description: 'Nobody is in this group', effect: 'allow', when: { groups: ['local:nobody'] } }],
};

/** Starts a device, and lets a person enter its code, sign in and ask. */
export async function asksForAccess(server, options = {}) {
  const device = await Device.start(server, options);
  const person = new Person(server, options);
  await person.enter(device.userCode);
  if (person.page.html.includes('name="password"')) await person.signIn();
  const request = person.page.html.match(/name="request" value="([^"]+)"/)?.[1];
  assert.ok(request, person.page.text);
  await person.submit({ step: 'ask', request, reason: 'I release on Friday.', transaction: undefined });
  assert.equal(person.page.heading, 'Waiting for an answer', person.page.text);
  return { device, person };
}
