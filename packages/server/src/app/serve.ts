import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

import { SallyportError, systemClock } from '@sallyport/core';
import type { FastifyInstance } from 'fastify';

import { composeServer } from './compose.ts';
import { npmParentEnded } from './npm-parent.ts';
import { createOperatorLog } from './operator-log.ts';
import type { OperatorLog } from './operator-log.ts';
import { readEnvironment } from '../config/environment.ts';
import { createHttpServer } from '../http/server.ts';
import { loadConfig, providersHint } from '../config/load-config.ts';
import { networkAddress } from '../config/network-address.ts';

export interface ServeOptions {
  /** Path of the configuration file. */
  readonly configFile: string;
  /** Used where SALLYPORT_DATA_DIR is not set. */
  readonly dataDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Runs the server until it is told to stop. Resolves to whether that went well: why it did not has then been said. */
export async function serve(options: ServeOptions): Promise<boolean> {
  const operator = createOperatorLog(options.environment['LOG_LEVEL']);
  try {
    await runServer(options, operator);
    return true;
  } catch (error) {
    // At a terminal the command prints it.
    if (process.stderr.isTTY) throw error;
    if (SallyportError.isInstance(error)) operator.log.fatal({ code: error.code, hint: error.hint }, error.message);
    else operator.log.fatal({ err: error }, 'The server has failed.');
    return false;
  }
}

/** Takes everything down at the end. What it opened it closes, whatever fails. */
async function runServer(options: ServeOptions, { log, say, announce }: OperatorLog): Promise<void> {
  const { environment: variables, configFile } = options;
  const environment = readEnvironment(
    { ...variables, SALLYPORT_DATA_DIR: variables['SALLYPORT_DATA_DIR'] || options.dataDirectory },
    process.cwd(),
  );
  const webDirectory = findWebDirectory();
  const config = await loadConfig(configFile);
  const { host, port, address, trustedProxies } = networkAddress(config, environment);
  const { dataDirectory, database } = environment;

  // From here on a signal must not leave a database or a machine behind, so it waits until everything is up.
  const stopped = stopSignal(log);
  const watching = new AbortController();
  const parentId = (): number => process.ppid;
  const orphaned = npmParentEnded({ variables, clock: systemClock, parentId, signal: watching.signal }).then(() =>
    log.info('The npm command that started the server has ended, and so does the server.'),
  );
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
      connections: config.connections,
      failuresPerMinute: config.limits.refusedCredentials,
      streams: { perUser: config.limits.streamsPerUser, inAll: config.limits.streams },
    });
    try {
      announce(`sallyport listening on ${await listen(app, host, port)}`);
      if (config.providers.length === 0) say(providersHint, 'warn');
      if (address.origin !== undefined) say(`Users reach it at ${address.origin}`);
      await Promise.race([stopped, superseded.promise, orphaned]);
      // Logins and prompts end first: their streams then close by themselves, and need not be cut off.
      await server.sallyport.close();
    } finally {
      await app.close();
    }
  } finally {
    watching.abort();
    await server.close();
  }
}

/** npm passes on the signal that the terminal, or a service manager, has sent to the whole process group. */
const DUPLICATE_MS = 500;

/**
 * Resolves at the first of the signals that mean "stop". Another one ends the process at once, by that signal: a shell
 * shows 143 for SIGTERM and 130 for SIGINT. `process.exit` would wait for every file operation that is under way.
 */
function stopSignal(log: OperatorLog['log']): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let stoppingSince: number | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    stoppingSince ??= systemClock.monotonic();
    resolve();
    if (systemClock.monotonic() - stoppingSince < DUPLICATE_MS) return;
    log.warn('Ended at once. The next start tidies up.');
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
