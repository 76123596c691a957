import { afterAll, afterEach, expect } from 'vitest';

import { makeDataDirectory, removeDirectory, runSallyport } from '../../test/server/sallyport-process.ts';
import type { OwnProcess } from '../../test/server/sallyport-process.ts';

/** Runs of the `sallyport` program, for the tests of one file. What still runs is ended after each test. */
export interface ProgramRuns {
  /** Removed after the last test. */
  readonly newDirectory: () => Promise<string>;
  readonly start: (
    directory: string,
    args?: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ) => OwnProcess;
  /** The error it ends with, which has no stack. */
  readonly failed: (started: OwnProcess, code?: number) => Promise<string>;
}

export function useProgramRuns(): ProgramRuns {
  const directories: string[] = [];
  const running: OwnProcess[] = [];
  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      child.kill('SIGTERM');
      await ended;
    }
  });
  afterAll(async () => {
    for (const directory of directories) await removeDirectory(directory);
  });
  return {
    newDirectory: async () => {
      const directory = await makeDataDirectory();
      directories.push(directory);
      return directory;
    },
    start: (directory, args = [], environment = {}) => {
      const started = runSallyport(args, { SALLYPORT_DATA_DIR: directory, PORT: '0', ...environment });
      running.push(started);
      return started;
    },
    failed: async (started, code = 1) => {
      expect(await started.ended).toEqual({ code, signal: null });
      const { stderr } = started.output();
      expect(stderr).not.toMatch(/^\s+at /m);
      return stderr.startsWith('{') ? failureIn(stderr) : stderr;
    },
  };
}

/** Where nobody reads along, everything but usage is one JSON object a line. */
function failureIn(log: string): string {
  const lines = log
    .trim()
    .split('\n')
    .map((line) => Object(JSON.parse(line)));
  return lines.flatMap(({ level, msg, hint }) => (level === 60 ? [`${msg}\n${hint}`] : [])).join('\n');
}
