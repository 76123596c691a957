import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The wall clock of the servers, which can jump while one runs: libfaketime (https://github.com/wolfcw/libfaketime) adds
 * what a file says to each reading. The monotonic clock, the database and the machines keep the time of this host.
 */
export interface WallClock {
  /** For the environment of a server. */
  readonly environment: Readonly<Record<string, string>>;
  jump(hours: number): void;
  putRight(): void;
}

const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const library = `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`;

export function createWallClock(directory: string): WallClock {
  if (!existsSync(library)) throw new Error(`${library} is missing. Run: apt-get install libfaketime`);
  const file = join(directory, 'clock');
  const set = (hours: number): void => {
    // A server that reads the file meanwhile sees the whole of one.
    writeFileSync(`${file}.new`, `${hours < 0 ? '' : '+'}${hours}h\n`);
    renameSync(`${file}.new`, file);
  };
  set(0);
  return {
    environment: {
      LD_PRELOAD: library,
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
      FAKETIME_TIMESTAMP_FILE: file,
    },
    jump: set,
    putRight: () => set(0),
  };
}
