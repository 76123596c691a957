import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Plugin } from '@sallyport/core';

/** Hooks that are called in the middle of a phase which is otherwise over in an instant. */
const hooks = {
  'starting-machine': 'machine.started',
  'starting-cli-machine': 'machine.started',
  'starting-login': 'login.url',
  storing: 'credential.captured',
  'cleaning-up': 'machine.stopping',
} as const;

export type HoldablePhase = keyof typeof hooks;

/** As long as this file is there, logins, or the start of a CLI machine, stay in that phase; at most until the hook's deadline. */
export function holdFile(dataDirectory: string, phase: HoldablePhase): string {
  return join(dataDirectory, `hold-${phase}`);
}

/** Stretches phases of a login, so that a test can be sure to interrupt it there. */
export function createHoldPlugin(dataDirectory: string): Plugin {
  const hold = async (phase: HoldablePhase, signal: AbortSignal): Promise<void> => {
    while (existsSync(holdFile(dataDirectory, phase))) await sleep(20, undefined, { signal });
  };
  return {
    name: 'hold',
    apply: ({ hooks: taps }) => {
      taps[hooks['starting-machine']].tapPromise('hold', ({ role }, { signal }) =>
        hold(role === 'browser' ? 'starting-machine' : 'starting-cli-machine', signal),
      );
      taps[hooks['starting-login']].tapPromise('hold', async (_url, { signal }) => {
        await hold('starting-login', signal);
        return undefined;
      });
      taps[hooks.storing].tapPromise('hold', (_credential, { signal }) => hold('storing', signal));
      taps[hooks['cleaning-up']].tapPromise('hold', ({ role }, { signal }) =>
        role === 'browser' ? hold('cleaning-up', signal) : Promise.resolve(),
      );
    },
  };
}
