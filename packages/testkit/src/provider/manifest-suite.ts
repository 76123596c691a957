import { manifestSchema, patternStates } from '@sallyport/core';
import type { Provider } from '@sallyport/core';

import type { TestRunner } from '../runner.ts';

/**
 * RE2, which the schema demands, is linear in the text, but each character costs as many steps as the pattern has states:
 * `(a{99}){9}` has 900. So this alone bounds the work, and is the same on a busy host.
 */
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

    it('lets its sign-in pages through the egress', () => {
      const wanted = manifest.logins.flatMap(({ url }) => url?.hosts ?? []);
      expect(wanted.filter((host) => !isListed(manifest, host))).toEqual([]);
    });

    it('has patterns that are linear in whatever a hostile CLI shows, and small', () => {
      expect(patternsIn(manifest).filter((pattern) => patternStates(pattern) > MOST_STATES)).toEqual([]);
    });
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
