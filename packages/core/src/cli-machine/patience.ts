import type { CliRuntime } from './cli-runtime.ts';

/** A factor for the idle time before a machine stops, so that those used at one moment do not all stop at another. */
export function newPatience({ random, settings }: Pick<CliRuntime, 'random' | 'settings'>): number {
  return 1 + settings.idleJitter * random();
}
