/** Lets a fault fall at one of a server's steps. There is one before and one after each thing that it changes. */
export interface FaultSwitch {
  /** Called by what stands between the server and the world. Never resolves for a server that was killed here. */
  reach(step: string): Promise<void>;
  /** From now on steps count. The blow falls the `nth` time (from 1) that the server comes to this one. */
  arm(blow: Blow, target?: Target): void;
  /** Steps count no more. Returns those that were reached, in order, and whether the target was one of them. */
  disarm(): { readonly steps: readonly string[]; readonly wasStruck: boolean };
  /** Resolves when the blow has fallen. */
  readonly struck: Promise<void>;
}

export interface Blow {
  /** Whether the server is gone after it. */
  readonly isDeadly: boolean;
  fall(): void;
}

export interface Target {
  readonly step: string;
  readonly nth: number;
}

export function createFaultSwitch(): FaultSwitch {
  let armed: { readonly blow: Blow; readonly target: Target | undefined } | undefined;
  let steps: string[] = [];
  let struck = Promise.withResolvers<void>();
  let hasStruck = false;
  let isDead = false;

  return {
    get struck() {
      return struck.promise;
    },
    reach: (step) => {
      // What a killed server still had on its way is lost with it.
      if (isDead) return never();
      if (!armed) return Promise.resolve();
      steps.push(step);
      const { blow, target } = armed;
      const isTarget = target?.step === step && steps.filter((each) => each === step).length === target.nth;
      if (!isTarget) return Promise.resolve();
      hasStruck = true;
      isDead = blow.isDeadly;
      blow.fall();
      struck.resolve();
      return isDead ? never() : Promise.resolve();
    },
    arm: (blow, target) => {
      armed = { blow, target };
      steps = [];
      struck = Promise.withResolvers<void>();
    },
    disarm: () => {
      const outcome = { steps, wasStruck: hasStruck };
      armed = undefined;
      hasStruck = false;
      isDead = false;
      return outcome;
    },
  };
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
