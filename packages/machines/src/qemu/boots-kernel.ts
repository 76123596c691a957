import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Duplex } from 'node:stream';

import type { Clock } from '@sallyport/core';

import { programPath } from '../host/programs.ts';
import { KERNEL_FILE, kernelVariant } from '../images/image.ts';
import type { Image } from '../images/image.ts';
import type { KvmProcessor } from './hardware.ts';
import { openQmp } from './qmp.ts';

export interface KernelBoot {
  readonly program: string;
  readonly kernel: Image;
  /** QEMU's `-cpu`. */
  readonly processor: KvmProcessor;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Under KVM it takes a second. Where instructions are emulated, it takes longer than anybody would wait for a machine. */
const BOOT_WITHIN_MS = 10_000;
/** Its last words: it was given no root file system. */
const BOOTED = /Unable to mount root fs/;
const KEPT = 64 * 1024;

/**
 * Boots a kernel with KVM and without a root file system, and returns whether it came as far as to look for one. False
 * at once where QEMU exits or stops the guest, which is what it does when KVM reports an internal error.
 */
export async function bootsKernel({ program, kernel, processor, clock, signal }: KernelBoot): Promise<boolean> {
  const words = [
    [
      '-accel',
      'kvm',
      '-cpu',
      processor,
      '-machine',
      kernelVariant(kernel) === 'source' ? 'microvm,acpi=off' : 'pc',
      '-m',
      '128',
    ],
    ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio'],
    ['-chardev', 'socket,id=monitor,fd=3', '-mon', 'chardev=monitor,mode=control'],
    ['-kernel', join(kernel.directory, KERNEL_FILE), '-append', 'console=ttyS0 reboot=t panic=-1'],
  ].flat();
  const over = new AbortController();
  using deadline = clock.deadline(BOOT_WITHIN_MS, () => new Error('late'), AbortSignal.any([signal, over.signal]));
  const child = spawn(program, words, {
    env: { PATH: programPath },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  });
  const closed = new Promise<boolean>((resolve) => {
    // Also where it could not be started.
    child.once('error', () => resolve(false)).once('close', () => resolve(false));
  });
  const late = new Promise<boolean>((resolve) => {
    deadline.signal.addEventListener('abort', () => resolve(false), { once: true });
  });
  try {
    const booted = await Promise.race([hasBooted(child), hasStopped(child, clock, deadline.signal), closed, late]);
    signal.throwIfAborted();
    return booted;
  } finally {
    over.abort();
    child.kill('SIGKILL');
    await closed;
  }
}

function hasBooted({ stdout }: ChildProcess): Promise<boolean> {
  let text = '';
  return new Promise((resolve) => {
    stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-KEPT);
      if (BOOTED.test(text)) resolve(true);
    });
  });
}

/** A guest that resets ends QEMU; nothing else than an internal error stops it. */
async function hasStopped(child: ChildProcess, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const monitor = child.stdio[3];
  try {
    if (!(monitor instanceof Duplex)) return false;
    const qmp = await openQmp(monitor, { clock, signal });
    const stop = qmp.event('STOP', () => true, { signal });
    stop.catch(() => {});
    // It may have stopped before the monitor was asked to tell.
    const { status } = Object(await qmp.execute('query-status', {}, { signal }));
    if (status !== 'internal-error') await stop;
    return false;
  } catch {
    // It ended, and says so itself; a monitor that is silent says nothing about the guest.
    return new Promise(() => {});
  }
}
