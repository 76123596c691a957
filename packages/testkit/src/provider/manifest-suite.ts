import { manifestSchema, matchText } from '@sallyport/core';
import type { Matcher, Provider } from '@sallyport/core';

import type { TestRunner } from '../runner.ts';

const MEGABYTE = 1024 * 1024;
/** RE2 is linear, but a large counted repetition can still make the constant large. */
const SLOWEST_MATCH_MS = 500;

export function manifestSuite({ manifest }: Provider, { describe, it, expect }: TestRunner): void {
  describe('the manifest', () => {
    it('is data: it survives JSON and satisfies the schema', () => {
      const again: unknown = JSON.parse(JSON.stringify(manifest));
      expect(manifestSchema.parse(again)).toEqual(manifest);
    });

    it('pins the package it names, by hash', () => {
      const lockfile = JSON.stringify(JSON.parse(manifest.cli.lockfile));
      expect(lockfile.includes(`"node_modules/${manifest.cli.package}":{"version":"${manifest.cli.version}"`)).toBe(
        true,
      );
      expect(lockfile.includes('"integrity":"sha512-')).toBe(true);
    });

    it('has patterns that stay fast on a megabyte of anything', () => {
      const slow = patternsIn(manifest).flatMap((matcher) =>
        hostileTexts(matcher).flatMap((text) => {
          const milliseconds = Math.min(timed(matcher, text), timed(matcher, text));
          return milliseconds > SLOWEST_MATCH_MS ? [`${JSON.stringify(matcher)}: ${milliseconds.toFixed()} ms`] : [];
        }),
      );
      expect(slow).toEqual([]);
    }, 60_000);
  });
}

/** Every object in the manifest that has the shape of a matcher. */
function patternsIn(value: unknown): readonly Matcher[] {
  if (typeof value !== 'object' || value === null) return [];
  const fields = new Map<string, unknown>(Object.entries(value));
  const pattern = fields.get('pattern');
  if (fields.size === 1 && typeof pattern === 'string') return [{ pattern }];
  return [...fields.values()].flatMap(patternsIn);
}

/** What makes backtracking engines explode: long runs, and beginnings of a match that never end. */
function hostileTexts(matcher: Matcher): readonly string[] {
  const source = 'pattern' in matcher ? matcher.pattern : matcher.text;
  const words = source.replace(/\\./g, '').match(/[A-Za-z0-9 ]{3,}/g) ?? ['a'];
  return ['a', ' ', 'A1B2-', '\n', `${words.join(' ')} `, `${words.join('\n')}\n`].map((unit) =>
    unit.repeat(Math.ceil(MEGABYTE / unit.length)),
  );
}

function timed(matcher: Matcher, text: string): number {
  const started = performance.now();
  matchText(matcher, text);
  return performance.now() - started;
}
