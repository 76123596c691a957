import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { SallyportError, toSallyportError } from '@sallyport/core';
import type { BootConfig } from '@sallyport/core/protocol';

import { startDesktop } from './desktop/index.ts';
import type { EventLog } from './event-log.ts';

/** The machine's desktop, from before it is up until after it is gone. */
export interface DesktopHost {
  /** Shows a page; waits for a desktop that is still starting. */
  open(url: string): Promise<void>;
  /** Gives up the randomness that several machines that wake from one memory would share. */
  renew(): Promise<void>;
  /** Connects a viewer; one that comes before the desktop is up waits for it. Throws if the machine has no desktop. */
  view(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): Promise<void>;
}

/** Starts the desktop in the background, before anybody knows which page it will show. */
export function hostDesktop(options: {
  readonly boot: Pick<BootConfig, 'runtime' | 'desktop' | 'certificateAuthority'>;
  readonly proxyPort: number | undefined;
  readonly log: EventLog;
}): DesktopHost {
  const { boot, proxyPort, log } = options;
  const { desktop: size, runtime, certificateAuthority } = boot;
  if (!size) return noDesktop;
  const over = new AbortController();
  const { signal } = over;
  const onExit = (error: SallyportError): void => log.publish({ type: 'desktop.failed', message: error.message });
  const starting = startDesktop({ runtime, size, proxyPort, certificateAuthority, signal, onExit });
  const follow = async (): Promise<void> => {
    try {
      await starting;
      log.publish({ type: 'desktop.ready' });
    } catch (error) {
      if (!signal.aborted) onExit(toSallyportError(error, 'MACHINE_FAILED', 'The desktop did not start.'));
    }
  };
  void follow();
  return {
    open: async (url) => (await starting).open(url),
    renew: async () => (await starting).renew(),
    view: (request, socket, head) => {
      starting.then(
        (desktop) => desktop.handleUpgrade(request, socket, head),
        () => socket.destroy(),
      );
    },
    close: async () => {
      over.abort();
      await starting.then(
        (desktop) => desktop.stop(),
        () => undefined,
      );
    },
  };
}

const noDesktop: DesktopHost = {
  open: () => Promise.reject(missing()),
  renew: async () => {},
  view: () => {
    throw missing();
  },
  close: async () => {},
};

function missing(): SallyportError {
  return new SallyportError('MACHINE_UNSUPPORTED', 'This machine was started without a desktop.');
}
