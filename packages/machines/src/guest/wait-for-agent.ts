import { SallyportError } from '@sallyport/core';
import type { Clock, Secret } from '@sallyport/core';
import type { MachineExit } from '@sallyport/core/driver';

import { createAgentClient } from '../agent-client/connect-agent.ts';
import type { NetworkAttachment } from '../network/machine-network.ts';

/** A guest that does not run yet answers nothing, and TCP would ask it again only after seconds. */
const CONNECT_MS = 300;
const ANSWER_MS = 5_000;
const RETRY_MS = 25;

export interface ReadyOptions {
  readonly place: Pick<NetworkAttachment, 'connect'>;
  readonly process: { readonly exited: Promise<MachineExit> };
  readonly token: Secret;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Waits until the agent answers to the token of this boot. The signal ends the wait. */
export async function waitForAgent({ place, process, token, clock, signal }: ReadyOptions): Promise<void> {
  async function connect(port: number, options: { readonly signal: AbortSignal }) {
    using deadline = clock.deadline(CONNECT_MS, notYet, options.signal);
    return await place.connect(port, { signal: deadline.signal });
  }
  const agent = createAgentClient({ connect, exited: process.exited }, token, clock);
  // Not in the loop: what esbuild makes of `using` there keeps the error of one round and throws it again in the next.
  async function isHealthy(): Promise<boolean> {
    using deadline = clock.deadline(ANSWER_MS, notYet, signal);
    return await agent.health(deadline.signal).then(
      () => true,
      () => false,
    );
  }
  for (;;) {
    signal.throwIfAborted();
    if (await isHealthy()) return;
    signal.throwIfAborted();
    await clock.sleep(RETRY_MS, signal);
  }
}

const notYet = (): SallyportError => new SallyportError('AGENT_UNREACHABLE', 'The machine does not answer yet.');
