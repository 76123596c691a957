import { constants, existsSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The part of the host that the process sees: its files below a directory, and its network devices. */
export interface FakeHost {
  /** Where a path in a request really lies. */
  locate(path: string): string;
  hasTap(name: string): boolean;
  /** Logs, metrics and serial output go to files that are made where they are missing, or to pipes. What a full pipe does not take is lost. */
  openOutput(path: string): (text: string) => void;
  /** What the operating system would say to opening it; `undefined`: it opens. */
  findFileProblem(path: string): string | undefined;
}

/** `taps` absent: every network device is there. */
export function createFakeHost(root: string, taps: readonly string[] | undefined): FakeHost {
  const locate = (path: string): string => join(root, path);
  return {
    locate,
    hasTap: (name) => taps?.includes(name) ?? true,
    openOutput: (path) => {
      const { O_RDWR, O_CREAT, O_APPEND, O_NONBLOCK } = constants;
      const file = openSync(locate(path), O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK, 0o600);
      return (text) => {
        try {
          writeSync(file, text);
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
        }
      };
    },
    findFileProblem: (path) => (existsSync(locate(path)) ? undefined : 'No such file or directory (os error 2)'),
  };
}
