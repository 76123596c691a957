import type { Custody } from '../custody/custody.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** What flows share that use CLI machines. */
export interface CliRuntime extends Runtime {
  readonly custody: Custody;
}
