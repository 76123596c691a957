import { dirname, join } from 'node:path';

import { createFakeProvider, writeFakeCli } from '@sallyport/testkit';

import { createApi } from '../../e2e/support/api.ts';
import type { Api } from '../../e2e/support/api.ts';
import { plantCliDirectory } from '../../e2e/support/cli-folder.ts';
import { root, runOwn } from '../../test/server/sallyport-process.ts';
import type { WallClock } from './wall-clock.ts';

/** The real server in its own process, which can be killed. */
export interface DrillServer {
  readonly api: Api;
  /** Everything that it printed. */
  output(): string;
  /** `kill -9`, without waiting. */
  kill(): void;
  hasEnded(): boolean;
  /** Resolves when it is gone. */
  readonly ended: Promise<unknown>;
  /** Stops it as an operator does, and waits. Throws if it ends with an error. */
  stop(): Promise<void>;
}

export interface DrillServerOptions {
  readonly dataDirectory: string;
  readonly databaseUrl: string;
  /** Where it asks before and after what it does to a machine. */
  readonly stepsUrl: string;
  readonly clock: WallClock;
}

/** Puts the fake CLI where the server looks for it. */
export async function plantFakeCli(dataDirectory: string): Promise<void> {
  // `env` finds Node wherever the isolation of this host shows it to machines.
  await writeFakeCli(await plantCliDirectory(dataDirectory, createFakeProvider().manifest), {}, '/usr/bin/env node');
}

export async function startDrillServer(options: DrillServerOptions): Promise<DrillServer> {
  const { dataDirectory, databaseUrl, stepsUrl, clock } = options;
  const command = [join(root, 'packages/server/dist/main.js'), '--config', join(root, 'drill/crash/crash.config.ts')];
  const server = runOwn(process.execPath, command, {
    ...clock.environment,
    SALLYPORT_DATA_DIR: dataDirectory,
    DATABASE_URL: databaseUrl,
    DRILL_STEPS: stepsUrl,
    PORT: '0',
    TMPDIR: dirname(dataDirectory),
    LOG_LEVEL: 'debug',
  });
  const { child, ended } = server;
  const printed = (): string => {
    const { stdout, stderr } = server.output();
    return stdout + stderr;
  };
  const origin = (await server.saying(/sallyport listening on http:\S+/)).replace('sallyport listening on ', '');
  return {
    api: createApi(origin),
    output: printed,
    kill: () => void child.kill('SIGKILL'),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      const end = await ended;
      if (end.code !== 0) throw new Error(`The server ended with ${JSON.stringify(end)}:\n${printed()}`);
    },
  };
}
