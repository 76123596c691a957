import { manifestHash, manifestSchema, parseManifest, readLockfile, SallyportError } from '@sallyport/core';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { checkProperty } from '@sallyport/testkit';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { problemOfPatterns } from '../../packages/core/src/provider/matcher.ts';
import { patternLimits, patternStates } from '../../packages/core/src/provider/pattern.ts';
import { hostilePlaces, hostileString, hostileValue, jsonTextOf, likeSchema, slowHostileRuns } from './hostile.ts';

const manifests = [claude, codex, gemini].map(({ manifest }) => manifest);
/** JSON, as an author sends it; the lockfiles are fuzzed below. */
const bundled = manifests.map((manifest): unknown =>
  JSON.parse(
    JSON.stringify({ ...manifest, cli: { ...manifest.cli, lockfile: '{"lockfileVersion":3,"packages":{}}' } }),
  ),
);

/** The words of RE2 and of other engines. */
const words =
  String.raw`a \pL . [^a] ( ) (?: (?= (?<n> | * + ? {30} {0,1000} {,} [ ] \ \b \1 ^ $ \x{10ffff} - [[:alpha:]] \Q (?i)`
    .split(' ')
    .concat('\u{d800}', '\0');
const pattern = fc.oneof(
  fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => parts.join('')),
  fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 1000 })).map(([depth, count]) => {
    return `${'('.repeat(depth)}a${`){${count}}`.repeat(depth)}`;
  }),
);

const matcher = fc.record({ pattern });
const withPatterns = fc
  .tuple(fc.constantFrom(...bundled), fc.array(matcher, { minLength: 1, maxLength: 120 }))
  .map(([manifest, matchers]) => {
    const changed = Object(structuredClone(manifest));
    changed.prompt.reloginNeeded = matchers.slice(0, 10);
    for (const login of changed.logins) login.success = matchers;
    return changed;
  });

const manifest = fc.oneof(
  { weight: 6, arbitrary: hostilePlaces(fc.constantFrom(...bundled)) },
  { weight: 3, arbitrary: withPatterns },
  { weight: 1, arbitrary: likeSchema(z.toJSONSchema(manifestSchema, { io: 'input', unrepresentable: 'any' })) },
);

/** Characters that would move the cursor of a terminal, or make it obey. */
const control = /[\p{Cc}\p{Cf}]/u;
const LONGEST_MESSAGE = 30_000;

describe('a manifest of an author nobody trusts', () => {
  it('is refused in words that fit on a screen, or has bounded patterns and stays what it is', async () => {
    await checkProperty(
      fc.property(jsonTextOf(manifest), (text) => {
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
