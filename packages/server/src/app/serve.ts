import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

import { SallyportError, systemClock } from '@sallyport/core';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';

import { composeServer } from './compose.ts';
import { readEnvironment } from '../config/environment.ts';
import { createHttpServer } from '../http/server.ts';
import { loadConfig } from '../config/load-config.ts';
import { networkAddress } from '../config/network-address.ts';

export interface ServeOptions {
  /** Path of the configuration file. */
  readonly configFile: string;
  /** Used where SALLYPORT_DATA_DIR is not set. */
  readonly dataDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Runs the server until it is told to stop, then takes everything down. What it opened it closes, whatever fails. */
export async function serve(options: ServeOptions): Promise<void> {
  const { environment: variables, configFile } = options;
  const environment = readEnvironment(
    { ...variables, SALLYPORT_DATA_DIR: variables['SALLYPORT_DATA_DIR'] || options.dataDirectory },
    process.cwd(),
  );
  const webDirectory = findWebDirectory();
  const config = await loadConfig(configFile);
  const { host, port, address, trustedProxies } = networkAddress(config, environment);
  // The log goes to standard error, so that standard output holds only what a user or a script waits for.
  const destination = pino.destination(2);
  destination.on('error', () => undefined);
  const log = pino({ level: logLevel(variables['LOG_LEVEL']), redact }, destination);
  const say = (sentence: string): void => console.log(sentence);
  const { dataDirectory, database } = environment;

  // From here on a signal must not leave a database or a machine behind, so it waits until everything is up.
  const stopped = stopSignal();
  const superseded = Promise.withResolvers<never>();
  superseded.promise.catch(() => {});
  const onSuperseded = (error: SallyportError): void => superseded.reject(error);
  const server = await composeServer({ config, dataDirectory, database, log, say, onSuperseded });
  try {
    const app = await createHttpServer({
      ...server,
      log,
      webDirectory,
      address,
      trustedProxies,
      connectLinks: config.connectLinks,
      connectionsPerAddress: config.connectionsPerAddress,
      streams: { perUser: config.limits.streamsPerUser, inAll: config.limits.streams },
    });
    try {
      say(`sallyport listening on ${await listen(app, host, port)}`);
      if (address.origin !== undefined) say(`Users reach it at ${address.origin}`);
      await Promise.race([stopped, superseded.promise]);
      // Logins and prompts end first: their streams then close by themselves, and need not be cut off.
      await server.sallyport.close();
    } finally {
      await app.close();
    }
  } finally {
    await server.close();
  }
}

/** npm passes on the signal that the terminal, or a service manager, has sent to the whole process group. */
const DUPLICATE_MS = 500;

/**
 * Resolves at the first of the signals that mean "stop". Another one ends the process at once, by that signal: a shell
 * shows 143 for SIGTERM and 130 for SIGINT. `process.exit` would wait for every file operation that is under way.
 */
function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let stoppingSince: number | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    stoppingSince ??= systemClock.monotonic();
    resolve();
    if (systemClock.monotonic() - stoppingSince < DUPLICATE_MS) return;
    console.error('Ended at once. The next start tidies up.');
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // The first process of a container is not ended by its own signals.
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
  // The inspector would open its port on SIGUSR1, and with it everything this process knows.
  process.on('SIGUSR1', () => undefined);
  // Machines must not be left behind because a terminal was closed or a reader went away.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return promise;
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return (await app.listen({ host, port, listenTextResolver: (address) => `Listening on ${address}` })).replace(
      '[::1]',
      'localhost',
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SallyportError('CONFIG_INVALID', `The server cannot listen on ${host}:${port}: ${reason}.`, {
      hint: 'Free the port, or set PORT to another one.',
      cause,
    });
  }
}

/** An operator at a terminal wants to see what goes wrong. A service manager keeps everything. */
function logLevel(asked: string | undefined): string {
  const level = asked || (process.stderr.isTTY ? 'warn' : 'info');
  if (level === 'silent' || level in pino.levels.values) return level;
  throw new SallyportError('CONFIG_INVALID', `LOG_LEVEL is "${level}", which is not a valid level.`, {
    hint: `Use one of ${Object.keys(pino.levels.values).join(', ')}, silent.`,
  });
}

/** The second line of defence; the first is that secrets are `Secret`s. */
const redact = {
  paths: [
    '*.token',
    '*.access_token',
    '*.refresh_token',
    '*.id_token',
    '*.authorization',
    '*.cookie',
    'req.headers',
    '*.files',
    '*.prompt',
  ],
  censor: '[secret]',
};

/** The built page is in `dist/web`, whether this file runs from `src` or from `dist`. */
function findWebDirectory(): string {
  const directory = join(
    dirname(createRequire(import.meta.url).resolve('@sallyport/server/package.json')),
    'dist',
    'web',
  );
  if (!existsSync(join(directory, 'index.html'))) {
    throw new SallyportError('CONFIG_INVALID', `The page has not been built: ${directory} is missing.`, {
      hint: 'Run `npm run build`.',
    });
  }
  return directory;
}
