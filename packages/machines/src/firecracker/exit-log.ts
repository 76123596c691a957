import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

import type { VmmExit } from './vmm-process.ts';

/** The end of a log says how it ended; the rest may be as large as the file limit. */
const TAIL_BYTES = 16 * 1024;

/** The exit codes of Firecracker for signals it handles. */
const codes: Readonly<Record<number, number>> = { 7: 149, 11: 150, 25: 151, 24: 154, 13: 155, 1: 156, 4: 157 };

/**
 * How a Firecracker process ended that was nobody's child here: the system tells its parent alone, its log tells all.
 * What is in a jail is the machine's to change, so nothing but a file that is there itself is read.
 */
export async function readLoggedExit(log: string): Promise<VmmExit> {
  const text = await readTail(log).catch(() => '');
  if (text.includes('Shutting down VM after intercepting a bad syscall')) {
    return { code: 148, signal: null };
  }
  const [, number] = /Shutting down VM after intercepting signal (\d+)/.exec(text) ?? [];
  return { code: codes[Number(number)] ?? null, signal: null };
}

async function readTail(path: string): Promise<string> {
  // A FIFO would keep a reader waiting, and a link could lead anywhere.
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const info = await file.stat();
  if (!info.isFile()) {
    return '';
  }
  const start = Math.max(0, info.size - TAIL_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, start);
  return buffer.toString('latin1', 0, bytesRead);
}
