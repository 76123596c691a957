import { createMemoryStore } from '@sallyport/core/store';
import type { Clock } from '@sallyport/core';
import type { Store } from '@sallyport/core/store';

import { storeAway } from './world.ts';

/** A database of which backups are made and restored, and that outlives the servers that use it. */
export interface Database {
  /**
   * For one server. `away`: what fails because the store is away, such as `users.setMachine`. `cut`: the server was killed, and
   * nothing of it reaches the database any more.
   */
  connect(): { readonly store: Store; readonly away: Set<string>; cut(): void };
  backup(): number;
  restore(backup: number): Promise<void>;
}

type Change = (store: Store) => Promise<unknown>;

/** Every change is written down, so that an earlier state can be made again from nothing. */
export function createRestorableDatabase(clock: Clock): Database {
  const changes: Change[] = [];
  let current = createMemoryStore({ clock });

  const partOf = (part: string, isAway: (operation: string) => boolean): object =>
    new Proxy(
      {},
      {
        get:
          (_target, method) =>
          async (...args: readonly unknown[]) => {
            if (isAway(`${part}.${String(method)}`)) throw storeAway();
            const change: Change = async (store) => {
              const object: unknown = Reflect.get(store, part);
              const run: unknown = typeof object === 'object' && object !== null && Reflect.get(object, method);
              return typeof run === 'function' ? Reflect.apply(run, object, args) : undefined;
            };
            const result = await change(current);
            changes.push(change);
            return result;
          },
      },
    );

  return {
    connect: () => {
      let isCut = false;
      const away = new Set<string>();
      const isAway = (operation: string): boolean => isCut || away.has(operation);
      const parts = new Map(Object.keys(current).map((part) => [part, partOf(part, isAway)]));
      const store = new Proxy(current, {
        get: (_target, name) => (typeof name === 'string' ? parts.get(name) : undefined),
      });
      return {
        store,
        away,
        cut: () => {
          isCut = true;
        },
      };
    },
    backup: () => changes.length,
    restore: async (backup) => {
      changes.length = backup;
      const restored = createMemoryStore({ clock });
      for (const change of changes) await change(restored);
      current = restored;
    },
  };
}
