import { describe, expect, it } from 'vitest';

import { createSallyport } from './sallyport.ts';
import type { SallyportOptions } from './sallyport.ts';

/** As a program in JavaScript calls it. */
const callWith = (options: object): unknown => Reflect.apply(createSallyport, undefined, [options]);

const present = {
  providers: [],
  store: {},
  egress: {},
  keyRing: {},
  connectAgent: () => ({}),
  agent: {},
  installCli: async () => '',
  callbackPorts: {},
} satisfies Partial<Record<keyof SallyportOptions, unknown>>;

describe('createSallyport without a driver', () => {
  it('says what is missing, what it is for, and where to get it', () => {
    expect(() => callWith(present)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: 'createSallyport was called without `driver` (creates machines).',
        hint: expect.stringContaining('`openHostPreset()` of @sallyport/server/presets'),
        details: { missing: ['driver'] },
      }),
    );
  });

  it('names everything else that is missing with it', () => {
    const { store: _store, ...rest } = present;
    expect(() => callWith({ ...rest, driver: null })).toThrow(
      'without `driver` (creates machines), `store` (keeps logins and prompts).',
    );
  });
});
