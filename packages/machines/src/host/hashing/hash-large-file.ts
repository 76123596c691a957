import { Worker } from 'node:worker_threads';

import { SallyportError } from '@sallyport/core';

/** What a file is known by. */
export interface FileDigest {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** This file is TypeScript in `src/host/hashing/`, or part of `dist/index.js` beside the built worker. */
const program = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './hash-worker.js', import.meta.url);

/**
 * Hashes a file in a separate thread. The memory of a machine takes about a second, during which the server's main
 * thread answers requests. Each call starts a thread, which takes some ten milliseconds: do not use it for small files.
 */
export async function hashLargeFile(path: string, signal?: AbortSignal): Promise<FileDigest> {
  signal?.throwIfAborted();
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
