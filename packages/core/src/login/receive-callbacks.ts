import type { Runtime } from '../runtime/runtime.ts';
import type { CallbackPortLease } from '../contracts/callback-ports.ts';
import type { MethodChoice } from './method-selection.ts';
import type { LiveSession } from './session.ts';
import type { GuardedUrl } from '../contracts/guarded-url.ts';

/** How the answer of a sign-in page in the user's own browser gets to the CLI, as long as one way to log in is tried. */
export interface CallbackReception {
  /** Ports of the manifest that something else on this host holds; the CLI must not choose them. */
  readonly occupied: readonly number[];
  /** The CLI has chosen a port itself, and its link says which. */
  receiveAt(callback: NonNullable<GuardedUrl['callback']>): Promise<void>;
  release(): Promise<void>;
}

/** Takes the place in line for the CLI's fixed callback ports, where this way of logging in needs one. */
export async function receiveCallbacks(
  runtime: Runtime,
  session: LiveSession,
  { method, display }: MethodChoice,
): Promise<CallbackReception> {
  const { loopback } = runtime.driver.features;
  const callback = 'item' in method ? undefined : method.callback;
  const isForwarded = loopback === 'forwarded' && display === 'local';
  const leases: CallbackPortLease[] = [];

  async function acquire(ports: readonly number[], path: string): Promise<CallbackPortLease> {
    const { signal } = session.abort;
    const lease = await runtime.callbackPorts.acquire({
      ports,
      path,
      mode: isForwarded ? 'forward' : 'reserve',
      signal,
      onWait: () => void runtime.bestEffort('noting the wait for a port', () => session.advance('waiting-for-port')),
      onCallback: async (query) => (await session.agent?.callback(query, signal)) ?? false,
    });
    leases.push(lease);
    return lease;
  }

  async function release(): Promise<void> {
    for (const lease of leases.splice(0)) await lease.release();
  }

  const isFixed = callback !== undefined && callback.ports.length > 0 && (loopback === 'shared' || isForwarded);
  const { occupied } = isFixed ? await acquire(callback.ports, callback.path) : { occupied: [] };
  return {
    occupied,
    receiveAt: async ({ port, path }) => {
      // A port of this host's own loopback is the CLI's own already.
      if (!isForwarded || isFixed) return;
      // A CLI that starts over has left the port of its older link.
      await release();
      await acquire([port], path);
    },
    release,
  };
}
