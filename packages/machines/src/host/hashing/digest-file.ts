import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';

import { SallyportError } from '@sallyport/core';

import { hashFile } from './hash-file.ts';

/** What a file is known by. */
export interface FileDigest {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** This file is TypeScript in `src/host/hashing/`, or part of `dist/index.js` beside the built worker. */
const program = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './hash-worker.js', import.meta.url);

/**
 * Hashes a file without keeping the server's main thread from its requests: in a separate thread, where the memory of a
 * machine takes about a second, or here when the file is so small that starting a thread takes longer.
 */
export async function digestFile(path: string, signal?: AbortSignal): Promise<FileDigest> {
  const facts = await stat(path);
  signal?.throwIfAborted();
  if (!facts.isFile() || facts.size > SMALL_BYTES) return digestInThread(path, signal);
  return { bytes: facts.size, sha256: await hashFile(path, signal) };
}

/** Hashing this much takes about ten milliseconds, half of what the start of a thread takes. */
const SMALL_BYTES = 4 * 1024 * 1024;

async function digestInThread(path: string, signal?: AbortSignal): Promise<FileDigest> {
  const worker = new Worker(program, { workerData: path, execArgv: [], env: {} });
  const { promise, resolve, reject } = Promise.withResolvers<FileDigest>();
  const abort = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  worker.once('message', resolve).once('error', reject);
  worker.once('exit', () => reject(new SallyportError('INTERNAL', `The thread that hashed ${path} ended.`)));
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', abort);
    await worker.terminate();
  }
}
