import type { MachineDriver } from '@sallyport/core/driver';
import type { Store } from '@sallyport/core/store';

import { watchDriver, watchMethods } from './watch-steps.ts';

/**
 * A server that is killed at one of its steps. A step is a change of the store, or something that is done to a machine;
 * there is one before each and one after. From its last step on, nothing answers any more, as if the process were gone.
 */
export interface Fuse {
  store(store: Store): Store;
  driver(driver: MachineDriver): MachineDriver;
  /** From now on steps count. */
  arm(): void;
  /** What was done, in order. */
  readonly steps: readonly string[];
  /** Resolves when the server was killed. */
  readonly blown: Promise<void>;
}

/** `killAt` counts from 0; without it, nothing is killed and the steps are only written down. */
export function createFuse(killAt = Infinity): Fuse {
  const steps: string[] = [];
  const blown = Promise.withResolvers<void>();
  let armed = false;
  let dead = false;

  function isLast(name: string): boolean {
    if (!armed) return false;
    steps.push(name);
    if (steps.length - 1 !== killAt) return false;
    dead = true;
    blown.resolve();
    return true;
  }

  async function pass<T>(name: string, isStep: boolean, work: () => Promise<T>): Promise<T> {
    if (dead || (isStep && isLast(`before ${name}`))) return never();
    const result = await work();
    if (dead || (isStep && isLast(`after ${name}`))) return never();
    return result;
  }

  return {
    steps,
    blown: blown.promise,
    arm: () => {
      armed = true;
    },
    store: (store) => {
      const parts = new Map<PropertyKey, unknown>(
        Object.entries(store).map(([part, methods]) => [
          part,
          typeof methods === 'object'
            ? watchMethods(methods, part, (method) => part !== 'audit' && !reads.has(method), pass)
            : methods,
        ]),
      );
      return new Proxy(store, { get: (_object, name) => parts.get(name) });
    },
    driver: (driver) => watchDriver(driver, pass),
  };
}

const reads = new Set(['get', 'list', 'current', 'holder', 'events', 'live', 'running', 'endingBefore', 'disabled']);

function never(): Promise<never> {
  return new Promise(() => undefined);
}
