import { SallyportError } from '@sallyport/core';
import { readLockfile } from '@sallyport/core/driver';
import { manifestHash, parseManifest } from '@sallyport/core/provider';
import { checkProperty } from '@sallyport/testkit';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { problemOfPatterns } from '../../packages/core/src/provider/matcher.ts';
import { patternLimits, patternStates } from '../../packages/core/src/provider/pattern.ts';
import { manifests, manifestTexts } from './hostile-manifests.ts';
import { hostilePlaces, hostileString, hostileValue, jsonTextOf, likeSchema, slowHostileRuns } from './hostile.ts';

/** Characters that would move the cursor of a terminal, or make it obey. */
const control = /[\p{Cc}\p{Cf}]/u;
const LONGEST_MESSAGE = 30_000;

describe('a manifest of an author nobody trusts', () => {
  it('is refused in words that fit on a screen, or has bounded patterns and stays what it is', async () => {
    await checkProperty(
      fc.property(manifestTexts, (text) => {
        const [input] = parsed(text);
        try {
          const accepted = parseManifest(input);
          expect(problemOfPatterns(accepted)).toBeUndefined();
          for (const found of text.matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)) {
            expect(patternStates(JSON.parse(found[1] ?? ''))).toBeLessThanOrEqual(patternLimits.states);
          }
          expect(manifestHash(parseManifest(JSON.parse(JSON.stringify(accepted))))).toBe(manifestHash(accepted));
        } catch (error) {
          if (!SallyportError.isInstance(error)) throw error;
          expect(error.code).toBe('PROVIDER_MANIFEST_INVALID');
          expect(error.message).not.toMatch(control);
          expect(error.message.length).toBeLessThanOrEqual(LONGEST_MESSAGE);
          expect(JSON.stringify(error.details).length).toBeLessThanOrEqual(LONGEST_MESSAGE);
        }
      }),
      slowHostileRuns,
    );
  });
});

const sha512 = `sha512-${'A'.repeat(86)}==`;
const spec = fc.oneof(fc.constantFrom('1.2.3', '^1', '*', 'npm:a@1.2.3', '../x', 'git+ssh://x', 'x.tgz'), hostileValue);
const specs = fc.dictionary(fc.oneof(fc.constantFrom('a', '@b/c'), hostileString), spec, { maxKeys: 3 });
const entry = fc.record(
  {
    version: fc.oneof(fc.constantFrom('1.2.3', 'latest', 'file:.'), hostileString),
    integrity: fc.oneof(fc.constant(sha512), hostileString),
    resolved: fc.oneof(fc.constant('https://registry.npmjs.org/a/-/a-1.2.3.tgz'), fc.webUrl(), hostileString),
    dependencies: fc.oneof(specs, hostileValue),
    peerDependencies: specs,
    inBundle: fc.boolean(),
    bundleDependencies: fc.array(fc.oneof(fc.constantFrom('a', '@b/c'), hostileString), { maxLength: 3 }),
    hasShrinkwrap: fc.boolean(),
    link: hostileValue,
  },
  { requiredKeys: ['version', 'integrity'] },
);
const path = fc.oneof(
  fc
    .array(fc.constantFrom('node_modules/a', 'node_modules/@b/c', '..', ''), { minLength: 1, maxLength: 25 })
    .map((parts) => parts.join('/')),
  hostileString,
);
/** Not each lockfile has a hostile entry, so that what looks at all of them together is reached. */
const made = fc.record({
  lockfileVersion: fc.oneof({ weight: 9, arbitrary: fc.constant(3) }, { weight: 1, arbitrary: hostileValue }),
  packages: fc.dictionary(path, fc.oneof(entry, fc.record({ version: fc.constant('1.2.3'), inBundle: fc.boolean() })), {
    maxKeys: 5,
  }),
});
const locks = manifests.map(({ cli }): unknown => JSON.parse(cli.lockfile));
const lockfile = fc.oneof(hostilePlaces(fc.constantFrom(...locks)), made, likeSchema({ type: 'object' }));
const LONGEST_PROBLEM = 2000;

describe('a lockfile of an author nobody trusts', () => {
  it('is refused in a sentence, or pins each package by hash', async () => {
    await checkProperty(
      fc.property(jsonTextOf(lockfile), (text) => {
        const found = readLockfile(text);
        if (typeof found === 'string') {
          expect(found.length).toBeLessThanOrEqual(LONGEST_PROBLEM);
          expect(found).not.toMatch(control);
          return;
        }
        expect(found.packages.size).toBeLessThanOrEqual(1000);
        for (const [at, { integrity, inBundle }] of found.packages) {
          expect(at).toMatch(/^node_modules\//);
          expect(at.split('/')).not.toContain('..');
          expect(integrity !== undefined || inBundle === true).toBe(true);
        }
        expect(JSON.stringify(found.dependencies)).not.toMatch(/:\/\/|\.\.\/|\.tgz/);
      }),
      slowHostileRuns,
    );
  });
});

function parsed(text: string): readonly unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return [text];
  }
}
