import type { IncomingMessage } from 'node:http';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

import { SallyportError, systemClock } from '@sallyport/core';

import { desktopAvailable, desktopInstallCommand, findBrowser, findProgram, searchPath } from './availability.ts';
import type { DesktopProgram } from './availability.ts';
import { startBrowser } from './browser.ts';
import { trustCertificateAuthority } from './certificate-store.ts';
import type { Child } from './child.ts';
import { createVncBridge } from './vnc-bridge.ts';
import { startVncServer } from './vnc-server.ts';
import { startWindowManager } from './window-manager.ts';

/** A screen with a browser on it, inside the machine. */
export interface Desktop {
  /** Shows a page (https only; the server has guarded the link). */
  open(url: string): Promise<void>;
  /** Gives up the randomness that several machines that wake from one memory would share. */
  renew(): Promise<void>;
  /** Unix socket that speaks RFB, mode 0600. */
  readonly vncSocket: string;
  /** Shows the desktop to a viewer over a WebSocket. The newest viewer replaces the one before. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends everything that was started and removes its files. Idempotent. */
  stop(): Promise<void>;
}

export interface DesktopOptions {
  /** The agent's private directory. */
  readonly runtime: string;
  readonly size: { readonly width: number; readonly height: number };
  /** Loopback port of the proxy; `undefined` connects directly. */
  readonly proxyPort: number | undefined;
  /** PEM of one more authority to trust. */
  readonly certificateAuthority: string | undefined;
  /** Ends the desktop, also while it starts. */
  readonly signal: AbortSignal;
  /** Called once when a part ends that nobody asked to end; the rest has been stopped by then. */
  onExit(error: SallyportError): void;
}

/**
 * How long the parts may take to come up: about one second on a host where nothing else runs, a minute in a virtual machine
 * whose processor is emulated, and several where that host is busy.
 */
const START_MS = 300_000;
/** How long a part gets to end by itself. */
const GRACE_MS = 2_000;

/** Starts the screen, the window manager and the browser, before any page is known. */
export async function startDesktop(options: DesktopOptions): Promise<Desktop> {
  refuseRoot();
  const programs = requirePrograms();
  const folder = join(options.runtime, 'desktop');
  const children: Child[] = [];
  const started = (child: Child): void => void children.push(child);
  const over = new AbortController();
  const stop = once(async () => {
    over.abort(new SallyportError('MACHINE_FAILED', 'The desktop was stopped.'));
    // The browser first: it complains when its screen vanishes.
    for (const child of children.toReversed()) await child.stop(GRACE_MS);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  using deadline = systemClock.deadline(START_MS, startTimedOut, AbortSignal.any([options.signal, over.signal]));
  const { signal } = deadline;
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Not the machine's home: the login CLI can write there, also what the browser would trust.
    const home = join(folder, 'home');
    await mkdir(home, { mode: 0o700 });
    const env = { HOME: home, PATH: searchPath(), LANG: 'C.UTF-8', XDG_RUNTIME_DIR: folder };
    const { certificateAuthority, proxyPort, size } = options;
    const trusting =
      certificateAuthority === undefined
        ? Promise.resolve()
        : trustCertificateAuthority({ command: programs.certutil, home, folder, env, certificateAuthority, signal });
    trusting.catch(() => {});
    const vnc = await startVncServer({ command: programs.Xtigervnc, folder, size, env, onStarted: started, signal });
    const clientEnv = { ...env, ...vnc.clientEnv, DBUS_SESSION_BUS_ADDRESS: 'disabled:' };
    started(await startWindowManager({ command: programs.openbox, folder, env: clientEnv }));
    await trusting;
    const browser = await startBrowser({
      command: programs.chromium,
      folder,
      size,
      proxyPort,
      env: clientEnv,
      onStarted: started,
      signal,
    });
    signal.throwIfAborted();
    const bridge = createVncBridge({ socketPath: vnc.socketPath });
    over.signal.addEventListener('abort', () => bridge.close(), { once: true });
    for (const child of children) void watch(child, over.signal, stop, options);
    options.signal.addEventListener('abort', () => void stop(), { once: true });
    return {
      open: (url) => browser.open(url, over.signal),
      renew: () => browser.renew(over.signal),
      vncSocket: vnc.socketPath,
      handleUpgrade: (request, socket, head) => bridge.handleUpgrade(request, socket, head),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Chromium's sandbox does not work for root, and a browser without one is not started here. */
function refuseRoot(): void {
  if (process.getuid?.() !== 0) return;
  throw new SallyportError(
    'MACHINE_UNSUPPORTED',
    'The desktop was asked to start as root. Chromium has no sandbox when it runs as root, and without one a hostile page would own the machine.',
    { hint: 'Run the agent as an ordinary user; the machine drivers do.' },
  );
}

function requirePrograms(): Readonly<Record<DesktopProgram, string>> {
  const missing = desktopAvailable().filter((check) => check.state !== 'ok');
  if (missing.length > 0) {
    const names = missing.map((check) => check.name).join(', ');
    throw new SallyportError('MACHINE_UNSUPPORTED', `The desktop cannot start: ${names} not found on the PATH.`, {
      hint: `Install what is missing: ${desktopInstallCommand}`,
    });
  }
  const path = (name: DesktopProgram): string => findProgram(name) ?? name;
  return {
    Xtigervnc: path('Xtigervnc'),
    openbox: path('openbox'),
    chromium: findBrowser() ?? 'chromium',
    certutil: path('certutil'),
  };
}

async function watch(child: Child, stopped: AbortSignal, stop: () => Promise<void>, options: DesktopOptions) {
  const how = await child.exited;
  if (stopped.aborted) return;
  await stop();
  options.onExit(new SallyportError('MACHINE_FAILED', `The desktop was lost: ${how}`));
}

function startTimedOut(): SallyportError {
  return new SallyportError('MACHINE_TIMED_OUT', `The desktop was not ready after ${START_MS / 1000} s.`, {
    hint: 'Start again. If it happens every time, the machine has too little memory or processor time.',
  });
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
