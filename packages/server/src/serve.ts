import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SallyportError } from '@sallyport/core';
import { pino } from 'pino';

import { composeServer } from './compose.ts';
import { readEnvironment } from './environment.ts';
import { createHttpServer } from './http-server.ts';
import { loadConfig } from './load-config.ts';

export interface ServeOptions {
  /** Path of the configuration file. */
  readonly configFile: string;
  /** Used where SALLYPORT_DATA_DIR is not set. */
  readonly dataDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Runs the server until SIGTERM or SIGINT, then takes everything down. */
export async function serve(options: ServeOptions): Promise<void> {
  const environment = readEnvironment({ SALLYPORT_DATA_DIR: options.dataDirectory, ...options.environment }, process.cwd());
  const config = await loadConfig(options.configFile);
  // The log goes to standard error, so that standard output holds only what a person or a script waits for.
  const log = pino({ level: options.environment['LOG_LEVEL'] ?? (process.stderr.isTTY ? 'warn' : 'info'), redact }, pino.destination(2));
  const say = (sentence: string): void => console.log(sentence);

  const server = await composeServer({ config, dataDirectory: environment.dataDirectory, databaseUrl: environment.databaseUrl, log, say });
  const app = await createHttpServer({ ...server, log, webDirectory: webDirectory() });
  const host = environment.host ?? config.host;
  const port = environment.port ?? config.port;
  try {
    const address = await app.listen({ host, port });
    say(`sallyport listening on ${address.replace('[::1]', 'localhost')}`);
  } catch (cause) {
    await server.close();
    throw new SallyportError('CONFIG_INVALID', `The server cannot listen on ${host}:${port}: ${cause instanceof Error ? cause.message : String(cause)}.`, {
      hint: 'Free the port, or set PORT to another one.',
      cause,
    });
  }

  const stop = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.resolve());
  // The inspector would open its port on SIGUSR1, and with it everything this process knows.
  process.on('SIGUSR1', () => undefined);
  await stop.promise;
  // Logins and prompts end first: their streams then close by themselves, and `close` need not cut them off.
  await server.sallyport.close();
  await app.close();
  await server.close();
}

/** The second line of defence; the first is that secrets are `Secret`s. */
const redact = {
  paths: ['*.token', '*.access_token', '*.refresh_token', '*.id_token', '*.authorization', '*.cookie', 'req.headers', '*.files', '*.prompt'],
  censor: '[secret]',
};

/** The built page lies in `dist/web`, whether this file runs from `src` or from `dist`. */
function webDirectory(): string {
  const directory = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'web');
  if (!existsSync(join(directory, 'index.html'))) {
    throw new SallyportError('CONFIG_INVALID', `The page has not been built: ${directory} is missing.`, { hint: 'Run `npm run build`.' });
  }
  return directory;
}
