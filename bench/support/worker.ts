import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program of `bench/workers/` in a separate process. */
export interface Worker {
  readonly pid: number;
  /** What it sent when it was ready. */
  readonly ready: unknown;
  end(): Promise<void>;
}

export async function startWorker(
  name: string,
  args: readonly string[] = [],
  execArgv: readonly string[] = [],
): Promise<Worker> {
  const file = fileURLToPath(new URL(`../workers/${name}`, import.meta.url));
  const child = fork(file, args, { execArgv: ['--conditions=@sallyport/source', ...execArgv], env: {} });
  const exited = once(child, 'exit');
  const [ready] = await Promise.race([
    once(child, 'message'),
    exited.then(() => {
      throw new Error(`${name} ended before it was ready.`);
    }),
  ]);
  return {
    pid: child.pid ?? 0,
    ready,
    end: async () => {
      child.kill();
      await exited;
    },
  };
}
