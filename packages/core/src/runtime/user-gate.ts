import { SallyportError } from '../base/errors.ts';

/** Keeps prompts, logins and imports from beginning for a user who is being deleted. */
export interface UserGate {
  /** Begins something for a user. Rejects with `USER_ERASED` while the user is being deleted. */
  enter<Result>(userId: string, begin: () => Promise<Result>): Promise<Result>;
  /**
   * Deletes a user, with the gate closed. Calls that come meanwhile share the one that runs. What the work gets waits until
   * everything that had entered before has begun, or failed to.
   */
  erase(userId: string, work: (settled: () => Promise<void>) => Promise<void>): Promise<void>;
}

export function userErased(): SallyportError {
  return new SallyportError('USER_ERASED', 'The user was deleted meanwhile.');
}

export function createUserGate(): UserGate {
  const erasures = new Map<string, Promise<void>>();
  const beginning = new Map<Promise<unknown>, string>();

  async function settle(userId: string): Promise<void> {
    await Promise.allSettled([...beginning].flatMap(([begun, of]) => (of === userId ? [begun] : [])));
  }

  return {
    enter: async (userId, begin) => {
      if (erasures.has(userId)) throw userErased();
      const begun = begin();
      beginning.set(begun, userId);
      return begun.finally(() => beginning.delete(begun));
    },
    erase: (userId, work) => {
      const running = erasures.get(userId);
      if (running) return running;
      const erased = Promise.resolve()
        .then(() => work(() => settle(userId)))
        .finally(() => erasures.delete(userId));
      erasures.set(userId, erased);
      return erased;
    },
  };
}
