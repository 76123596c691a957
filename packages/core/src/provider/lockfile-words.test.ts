import { describe, expect, it } from 'vitest';

import { EXACT_VERSION, VERSION_RANGE } from './lockfile-words.ts';

describe('an exact version', () => {
  // The first block is from https://semver.org, the second has the forms that are on npm.
  it.each([
    '0.0.4',
    '1.2.3',
    '10.20.30',
    '1.1.2-prerelease+meta',
    '1.1.2+meta',
    '1.1.2+meta-valid',
    '1.0.0-alpha',
    '1.0.0-alpha.beta.1',
    '1.0.0-alpha.0valid',
    '1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay',
    '1.0.0-0A.is.legal',
    '1.0.0+0.build.1-rc.10000aaa-kk-0.1',
    '2.0.0+build.00123',
    '1.2.3----RC-SNAPSHOT.12.9.1--.12+788',
    '1.2.3----R-S.12.9.1--.12',
    '99999999999999999999999.999999999999999999.99999999999999999',

    '0.0.0',
    '0.0.0-0',
    '0.169.0-linux-x64',
    '0.61.0-nightly.20261120.g1a2b3c4',
    '0.62.0-preview.0',
    '0.1.2504172351',
    '1.2.3-0a',
    '1.2.3--',
  ])('is %s', (version) => {
    expect(version).toMatch(EXACT_VERSION);
    // npm reads every version as a range of itself alone.
    expect(version).toMatch(VERSION_RANGE);
  });

  it.each(
    Object.values({
      incomplete: ['', '1', '1.2', '1.2.3.4', '1.2.x', '*', 'x', '1.2-a', '1.2+a'],
      tags: ['latest', 'next', 'beta-1', 'alpha.1.2'],
      ranges: ['v1.2.3', '=1.2.3', '^1.2.3', '~1.2.3', '>=1.2.3', '1.2.3 - 2.0.0', '1.2.3 || 2.0.0'],
      spaces: ['1.2.3 ', ' 1.2.3', '1.2.3\n'],
      numbers: ['01.2.3', '1.02.3', '1.2.03', '00.0.0', '-1.2.3', '+1.2.3', '1.-2.3', '١.2.3'],
      prereleases: ['1.2.3-', '1.2.3-01', '1.2.3-00', '1.2.3-a.01', '1.2.3-a..b', '1.2.3-.a', '1.2.3-a.', '1.2.3-a_b'],
      builds: ['1.2.3+', '1.2.3+a..b', '1.2.3+.a', '1.2.3+a.', '1.2.3+a+b', '1.2.3-+a', '1.2.3-a+', '1.2.3+é'],
      // These are versions. npm would still open a file of that name.
      archives: ['1.2.3-a.tgz', '1.2.3+a.tar.gz', '1.2.3-a.tar'],
    }).flat(),
  )('is not %j', (text) => {
    expect(text).not.toMatch(EXACT_VERSION);
  });

  it.each([
    `1.2.3-${'0'.repeat(50_000)}`,
    `1.2.3-${'0.'.repeat(50_000)}`,
    `1.2.3-${'a-'.repeat(50_000)}_`,
    `1.2.3+${'0'.repeat(50_000)}.`,
  ])('is not a text of 50,000 characters that only begins like one (case %#)', (text) => {
    expect(EXACT_VERSION.test(text)).toBe(false);
  });
});
