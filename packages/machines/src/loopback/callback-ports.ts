import { tmpdir } from 'node:os';

import { SallyportError } from '@sallyport/core';
import type { CallbackPortLease, CallbackPortRequest, CallbackPorts } from '@sallyport/core/driver';

import { isPortFree, listenForCallback } from './callback-listener.ts';
import { claimPort } from './host-claim.ts';
import { createPortQueue } from './port-queue.ts';

export interface CallbackPortsOptions {
  /** Where servers of this host leave their claims. Default: the temporary directory, which all of them share. */
  readonly claims?: string;
}

/** The callback ports of this host: one login at a time, first come, first served. */
export function createCallbackPorts(options: CallbackPortsOptions = {}): CallbackPorts {
  const line = createPortQueue();
  const claims = options.claims ?? tmpdir();

  async function hold(request: CallbackPortRequest, leave: () => void): Promise<CallbackPortLease> {
    const occupied: number[] = [];
    const releases: (() => Promise<void>)[] = [];
    let isHeld = false;
    let unusable: unknown;
    const noteUnusable = (error: unknown): undefined => {
      if (!SallyportError.isInstance(error)) throw error;
      unusable = error;
    };
    for (const port of request.ports) {
      const release = isHeld && request.mode === 'forward' ? undefined : await take(request, port).catch(noteUnusable);
      if (release) {
        releases.push(release);
        isHeld = true;
      } else if (!isHeld || request.mode === 'reserve') {
        occupied.push(port);
      }
    }
    if (!isHeld && request.ports.length > 0) {
      throw unusable ?? allTaken(request.ports);
    }
    let released: Promise<void> | undefined;
    const release = async (): Promise<void> => {
      await Promise.all(releases.map((each) => each()));
      leave();
    };
    return { occupied, release: () => (released ??= release()) };
  }

  /** The port for this login; `undefined` where something else on this host has it. */
  async function take(request: CallbackPortRequest, port: number): Promise<(() => Promise<void>) | undefined> {
    const unclaim = await claimPort(claims, port);
    if (!unclaim) {
      return undefined;
    }
    if (request.mode === 'reserve') {
      if (await isPortFree(port)) {
        return unclaim;
      }
      await unclaim();
      return undefined;
    }
    const listener = await listenForCallback({
      port,
      path: request.path,
      onRequest: (query) => request.onCallback(query),
    });
    if (!listener) {
      await unclaim();
      return undefined;
    }
    return async () => {
      await listener.close();
      await unclaim();
    };
  }

  return {
    acquire: async (request) => {
      const leave = await line.take(request.ports, { signal: request.signal, onWait: () => request.onWait() });
      try {
        request.signal.throwIfAborted();
        return await hold(request, leave);
      } catch (error) {
        leave();
        throw error;
      }
    },
  };
}

function allTaken(ports: readonly number[]): SallyportError {
  const names = ports.join(' and ');
  return new SallyportError(
    'LOGIN_PORT_TAKEN',
    `The CLI's callback ${ports.length === 1 ? 'port' : 'ports'} ${names} on this host ${ports.length === 1 ? 'is' : 'are'} taken by another program.`,
    {
      hint: `Find the program with \`ss -ltnp | grep -E '${ports.join('|')}'\` and end it, or choose the device-code method.`,
      details: { ports },
    },
  );
}
