/** Kills a server at one of its steps. There is one before and one after each thing that it changes. */
export interface KillSwitch {
  /** Called by what stands between the server and the world. Never resolves for a server that was killed here. */
  reach(step: string): Promise<void>;
  /** From now on steps count. The server is killed the `nth` time (from 1) that it comes to this one. */
  arm(kill: () => void, target?: Target): void;
  /** Steps count no more. Returns those that were reached, in order; `killed` if the last of them was the target. */
  disarm(): { readonly steps: readonly string[]; readonly killed: boolean };
  /** Resolves when the server was killed at its target. */
  readonly killed: Promise<void>;
}

export interface Target {
  readonly step: string;
  readonly nth: number;
}

export function createKillSwitch(): KillSwitch {
  let armed: { readonly kill: () => void; readonly target: Target | undefined } | undefined;
  let steps: string[] = [];
  let blown = Promise.withResolvers<void>();
  let hasKilled = false;

  return {
    get killed() {
      return blown.promise;
    },
    reach: (step) => {
      // What a killed server still had on its way is lost with it.
      if (hasKilled) return never();
      if (!armed) return Promise.resolve();
      steps.push(step);
      const { kill, target } = armed;
      if (target?.step !== step || steps.filter((each) => each === step).length < target.nth) return Promise.resolve();
      hasKilled = true;
      kill();
      blown.resolve();
      return never();
    },
    arm: (kill, target) => {
      armed = { kill, target };
      steps = [];
      blown = Promise.withResolvers<void>();
    },
    disarm: () => {
      const outcome = { steps, killed: hasKilled };
      armed = undefined;
      hasKilled = false;
      return outcome;
    },
  };
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
