import type { ProviderManifest } from './manifest.ts';

/**
 * Where the executable of a CLI can be, as paths below its installation: releases of one CLI differ. The first that
 * exists is the one to run.
 *
 * @param platform As Node names it, such as `linux-x64`.
 * @returns At most 5 paths; none where the manifest does not name the platform.
 */
export function cliPrograms({ bin }: Pick<ProviderManifest['cli'], 'bin'>, platform: string): readonly string[] {
  const paths = Object.hasOwn(bin, platform) ? bin[platform] : undefined;
  return typeof paths === 'string' ? [paths] : (paths ?? []);
}

/** Whether a program of a CLI is run with Node, and so needs no exec bit. */
export function isJavaScript(path: string): boolean {
  return /\.[cm]?js$/.test(path);
}
