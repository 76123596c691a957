import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { makeDataDirectoryWithImages } from './images.ts';
import { untilNoProcessOf } from './processes.ts';
import { removeDataDirectory, repository } from './server.ts';

/** What docs/operate.md tells an operator of a deployment on QEMU to run, on its own data directory. */
export interface Operator extends AsyncDisposable {
  readonly dataDirectory: string;
  /** Runs a command and prints what it printed: an operator would read it too. */
  run(program: string, words: readonly string[]): Promise<{ readonly output: string; readonly code: number }>;
}

export const operatorConfig = 'e2e/configs/operator.config.ts';
/** Two browsers start one after the other on emulated processors. */
export const OPERATOR_PATIENCE_MS = 600_000;

export async function createOperator(): Promise<Operator> {
  const dataDirectory = await makeDataDirectoryWithImages();
  return {
    dataDirectory,
    run: async (program, words) => {
      const env = { ...process.env, SALLYPORT_DATA_DIR: dataDirectory };
      const options = { cwd: repository, env, timeout: OPERATOR_PATIENCE_MS };
      const ended = promisify(execFile)(program, words, options);
      const { stdout, stderr } = await ended.catch((error: { stdout: string; stderr: string }) => error);
      console.log(stdout + stderr);
      return { output: stdout + stderr, code: ended.child.exitCode ?? -1 };
    },
    [Symbol.asyncDispose]: async () => {
      await untilNoProcessOf(dataDirectory);
      await removeDataDirectory(dataDirectory);
    },
  };
}
