import { format, inspect } from 'node:util';

import { describe, expect, it } from 'vitest';

import { Secret } from './secret.ts';

const canary = 'canary-51c9';

describe('a secret', () => {
  const secret = new Secret(canary);
  const holder = { token: secret, list: [secret], map: new Map([['k', secret]]) };

  it('is given away only by reveal', () => {
    expect(secret.reveal()).toBe(canary);
  });

  it.each<[string, () => string]>([
    ['a text around it', () => ['Bearer', secret].join(' ')],
    ['JSON', () => JSON.stringify(holder)],
    ['inspect', () => inspect(holder, { depth: 9, showHidden: true, customInspect: true })],
    ['inspect without our own printing', () => inspect(holder, { depth: 9, showHidden: true, customInspect: false })],
    ['console.log', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['its members', () => Object.entries(secret).join()],
    ['an error that holds it', () => inspect(new Error('x', { cause: secret }))],
  ])('does not come out through %s', (_, print) => {
    expect(print()).not.toContain(canary);
  });

  it('cannot be cloned out of its wrapper', () => {
    expect(inspect(structuredClone(secret))).not.toContain(canary);
  });
});
