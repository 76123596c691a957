import { SallyportError } from '@sallyport/core';

/** Sees to it that a machine is started, ended, or used offline, and never two of these at once. */
export interface MachineTurns {
  /** A transition is under way, for instance a start. */
  readonly isChanging: boolean;
  readonly isDestroyed: boolean;
  /**
   * Throws MACHINE_UNKNOWN if the machine was destroyed, and MACHINE_BUSY if something is in the way. `what` completes
   * "cannot be …", `why` completes "while …".
   */
  refuse(what: string, isInTheWay: boolean, why: string): void;
  /** Refuses while the machine runs, changes or its disk is in use. */
  refuseUnlessStopped(what: string): void;
  /** Runs a transition. Its signal is aborted by `parent` and by `callOff`. */
  change(parent: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
  /** Cancels the transition under way, if any, and resolves when it has ended. `why` completes "was …". */
  callOff(why: string): Promise<void>;
  /** Runs work on the disk of the stopped machine. Several may use it at once; a start waits for none of them: it throws. */
  useDisk<Result>(work: () => Promise<Result>): Promise<Result>;
  /** From now on everything is refused. */
  markDestroyed(): void;
}

export interface MachineTurnsOptions {
  readonly machineId: string;
  readonly isRunning: () => boolean;
}

export function createMachineTurns({ machineId, isRunning }: MachineTurnsOptions): MachineTurns {
  let changing: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  let diskUsers = 0;
  let isDestroyed = false;

  const isBusy = (): boolean => isRunning() || changing !== undefined;

  function refuse(what: string, isInTheWay: boolean, why: string): void {
    if (isDestroyed) throw new SallyportError('MACHINE_UNKNOWN', `Machine ${machineId} was destroyed.`);
    if (isInTheWay) throw new SallyportError('MACHINE_BUSY', `Machine ${machineId} cannot be ${what} while ${why}.`);
  }

  return {
    get isChanging() {
      return changing !== undefined;
    },
    get isDestroyed() {
      return isDestroyed;
    },
    refuse,
    refuseUnlessStopped: (what) => {
      refuse(what, diskUsers > 0, 'its disk is in use');
      refuse(what, isBusy(), 'it runs');
    },
    change: async (parent, work) => {
      const abort = new AbortController();
      const attempt = work(AbortSignal.any([parent, abort.signal]));
      changing = { abort, done: attempt.catch(() => {}) };
      try {
        await attempt;
      } finally {
        changing = undefined;
      }
    },
    callOff: async (why) => {
      changing?.abort.abort(new SallyportError('MACHINE_FAILED', `Machine ${machineId} was ${why}.`));
      await changing?.done;
    },
    useDisk: async (work) => {
      refuse('read or written offline', isBusy(), 'it runs');
      diskUsers += 1;
      try {
        return await work();
      } finally {
        diskUsers -= 1;
      }
    },
    markDestroyed: () => {
      isDestroyed = true;
    },
  };
}
