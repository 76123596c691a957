import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { createApiKey } from './api-key.ts';
import { findFreePort } from './ports.ts';
import { poll, removeDataDirectory, startDemoServer } from './server.ts';
import type { DemoServer } from './server.ts';

/** A server, and a program whose pages embed it from another site. */
export interface Example {
  /** Origin of the program's pages. */
  readonly origin: string;
  readonly server: DemoServer;
  /** The API key of the program. */
  readonly key: string;
  stop(): Promise<void>;
}

export interface ExampleOptions {
  readonly cwd: string;
  /** Arguments of Node. The program listens on `PORT`, and prints a line with its origin once it does. */
  readonly args: (port: string) => readonly string[];
}

/** Starts the program as its README says, with nothing of the environment but where the server is and how to call it. */
export async function startExample({ cwd, args }: ExampleOptions): Promise<Example> {
  const port = String(await findFreePort());
  // The server is at 127.0.0.1, which is another site to a browser.
  const origin = `http://localhost:${port}`;
  const environment = { PRODUCT_ORIGIN: origin };
  const server = await startDemoServer({ config: 'e2e/configs/embedded.config.ts', environment });
  const key = await createApiKey(server.dataDirectory);
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, args(port), {
    cwd,
    env: {
      PATH,
      HOME,
      PORT: port,
      SALLYPORT_URL: server.origin,
      SALLYPORT_KEY: key,
      PRODUCT_ORIGIN: origin,
      NEXT_TELEMETRY_DISABLED: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = once(child, 'exit');
  await poll('the example to listen', async () => {
    if (child.exitCode !== null) throw new Error(`The example ended with ${child.exitCode}:\n${output}`);
    return output.includes(origin) || undefined;
  });
  return {
    origin,
    server,
    key,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      await server.stop();
      await removeDataDirectory(server.dataDirectory);
    },
  };
}
