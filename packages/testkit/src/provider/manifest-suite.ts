import { manifestSchema } from '@sallyport/core/provider';
import type { Provider } from '@sallyport/core/provider';

import type { TestRunner } from '../runner.ts';

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
  });
}

/** Whether a machine with a login under way may reach this host. */
export function isListed({ egress }: Provider['manifest'], host: string): boolean {
  return egress.signIn.some((listed) => host === listed || (listed.startsWith('*.') && host.endsWith(listed.slice(1))));
}
