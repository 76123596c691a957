import { connect } from 'node:net';
import { join } from 'node:path';

import { SallyportError, systemClock } from '@sallyport/core';

import { startChild } from './child.ts';
import type { Child } from './child.ts';
import { writeXauthority } from './xauthority.ts';

export interface VncServer {
  readonly child: Child;
  /** Unix socket that speaks RFB (RFC 6143), mode 0600. */
  readonly socketPath: string;
  /** What an X client needs in its environment. */
  readonly clientEnv: Readonly<Record<'DISPLAY' | 'XAUTHORITY', string>>;
}

export interface VncServerOptions {
  readonly command: string;
  /** Private directory for the socket and the cookie. */
  readonly folder: string;
  readonly size: { readonly width: number; readonly height: number };
  readonly env: Readonly<Record<string, string>>;
  /** Told about the program before it is ready, so that it can be ended when waiting for it fails. */
  onStarted(child: Child): void;
  readonly signal: AbortSignal;
}

/** The longest path a unix socket can have on Linux (`sun_path`, without the final NUL). */
const LONGEST_SOCKET_PATH = 107;

/** X server and VNC server in one process, reachable through a unix socket alone. Resolves when it greets. */
export async function startVncServer(options: VncServerOptions): Promise<VncServer> {
  const socketPath = join(options.folder, 'vnc.sock');
  if (Buffer.byteLength(socketPath) > LONGEST_SOCKET_PATH) {
    throw new SallyportError('MACHINE_FAILED', `The path ${socketPath} is too long for a unix socket.`, {
      hint: 'Choose a shorter data directory.',
    });
  }
  const cookieFile = join(options.folder, 'xauthority');
  await writeXauthority(cookieFile);
  const child = startChild({
    name: 'Xtigervnc',
    command: options.command,
    args: vncArguments(socketPath, cookieFile, options.size),
    env: options.env,
    cwd: options.folder,
    pipes: 1,
  });
  options.onStarted(child);
  const display = await readDisplayNumber(child, options.signal);
  await waitForGreeting(socketPath, child, options.signal);
  return { child, socketPath, clientEnv: { DISPLAY: `:${display}`, XAUTHORITY: cookieFile } };
}

function vncArguments(socketPath: string, cookieFile: string, size: VncServerOptions['size']): string[] {
  const network = ['-rfbport', '-1', '-rfbunixpath', socketPath, '-rfbunixmode', String(0o600)];
  // `local` is the abstract socket, which no file permission guards.
  const display = ['-displayfd', '3', '-auth', cookieFile, '-nolisten', 'tcp', '-nolisten', 'local'];
  const screen = ['-geometry', `${size.width}x${size.height}`, '-depth', '24', '-FrameRate', '30'];
  // With PRIMARY on, merely selecting text in the machine would send it to the viewer.
  const clipboard = ['-SendPrimary=0', '-SetPrimary=0', '-MaxCutText', String(1 << 20)];
  // All viewers come from one place, the bridge: counting its broken connections would lock everybody out.
  const access = ['-SecurityTypes', 'None', '-UseBlacklist=0', '-AlwaysShared'];
  return [...display, ...screen, ...network, ...access, ...clipboard];
}

/** With `-displayfd` the server chooses a free display number and writes it once it takes clients. */
async function readDisplayNumber(child: Child, signal: AbortSignal): Promise<number> {
  const pipe = child.pipe(0);
  const number = (async () => {
    let text = '';
    for await (const chunk of pipe) {
      text += String(chunk);
      if (text.includes('\n')) break;
    }
    return text;
  })();
  const text = await Promise.race([number, failWhenGone(child), failOnAbort(signal)]);
  if (!/^\d+\n/.test(text)) throw new SallyportError('MACHINE_FAILED', await child.exited);
  return Number.parseInt(text, 10);
}

async function waitForGreeting(socketPath: string, child: Child, signal: AbortSignal): Promise<void> {
  const gone = failWhenGone(child);
  gone.catch(() => {});
  while (!(await Promise.race([greets(socketPath, signal), gone]))) await systemClock.sleep(10, signal);
}

/** Whether a connection is answered by the protocol version line of RFC 6143 §7.1.1. */
function greets(socketPath: string, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const abort = (): void => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.subarray(0, 4).toString('latin1') === 'RFB ');
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => {
      signal.removeEventListener('abort', abort);
      resolve(false);
    });
  });
}

async function failWhenGone(child: Child): Promise<never> {
  throw new SallyportError('MACHINE_FAILED', await child.exited);
}

function failOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
