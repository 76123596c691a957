import { describe, expect, it } from 'vitest';

import { dropMissingOptionals } from './drop-missing.ts';

const after = (packages: object): unknown =>
  JSON.parse(dropMissingOptionals(JSON.stringify({ lockfileVersion: 3, packages }))).packages;

describe('a lockfile from a registry without the packages of other platforms', () => {
  it('keeps the optional dependencies that it has, and no others', () => {
    const own = { version: '1.0.0' };
    const packages = {
      '': { dependencies: { cli: '1.0.0' } },
      'node_modules/cli': { version: '1.0.0', optionalDependencies: { '@a/linux': '1', '@a/mac': '1', inner: '2' } },
      'node_modules/@a/linux': own,
      'node_modules/cli/node_modules/inner': {
        version: '2.0.0',
        optionalDependencies: { '@a/linux': '1', '@a/mac': '1' },
      },
    };
    expect(after(packages)).toEqual({
      ...packages,
      'node_modules/cli': { version: '1.0.0', optionalDependencies: { '@a/linux': '1', inner: '2' } },
      'node_modules/cli/node_modules/inner': { version: '2.0.0', optionalDependencies: { '@a/linux': '1' } },
    });
  });

  it('says nothing of optional dependencies if it has none of them', () => {
    expect(after({ 'node_modules/cli': { version: '1.0.0', optionalDependencies: { '@a/mac': '1' } } })).toEqual({
      'node_modules/cli': { version: '1.0.0' },
    });
  });

  it('leaves out nothing else that is missing', () => {
    const packages = {
      'node_modules/cli': { version: '1.0.0', dependencies: { gone: '1' }, peerDependencies: { x: '1' } },
    };
    expect(after(packages)).toEqual(packages);
  });
});
