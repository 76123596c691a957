import { manifestSchema, matchText, patternStates } from '@sallyport/core';
import type { Provider } from '@sallyport/core';

import type { TestRunner } from '../runner.ts';
import { growsTooFast } from './pattern-growth.ts';

/** RE2 is linear in the text, but each character costs as many steps as the pattern has states: `(a{99}){9}` has 900. */
const MOST_STATES = 400;

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

    it('lets its sign-in pages through the way out', () => {
      const wanted = manifest.logins.flatMap(({ url }) => url?.hosts ?? []);
      expect(wanted.filter((host) => !isListed(manifest, host))).toEqual([]);
    });

    it('has patterns that are small, and linear in whatever a hostile CLI shows', () => {
      const patterns = patternsIn(manifest);
      expect(patterns.filter((pattern) => patternStates(pattern) > MOST_STATES)).toEqual([]);
      const wrong = patterns.filter((pattern) =>
        hostileUnits(pattern).some((unit) => growsTooFast((text) => matchText({ pattern }, text), unit)),
      );
      expect(wrong).toEqual([]);
    }, 120_000);
  });
}

/** Whether a machine in which somebody signs in may reach this host. */
export function isListed({ egress }: Provider['manifest'], host: string): boolean {
  return egress.signIn.some((listed) => host === listed || (listed.startsWith('*.') && host.endsWith(listed.slice(1))));
}

/** Every object in the manifest that has the shape of a matcher with a pattern. */
function patternsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const fields = new Map<string, unknown>(Object.entries(value));
  const pattern = fields.get('pattern');
  if (fields.size === 1 && typeof pattern === 'string') return [pattern];
  return [...fields.values()].flatMap(patternsIn);
}

/** What makes backtracking engines explode when it is repeated: one character, and beginnings of a match that never end. */
function hostileUnits(pattern: string): readonly string[] {
  const words = pattern.replace(/\\./g, '').match(/[A-Za-z0-9 ]{3,}/g) ?? ['a'];
  return ['a', ' ', 'A1B2-', '\n', `${words.join(' ')} `, `${words.join('\n')}\n`];
}
