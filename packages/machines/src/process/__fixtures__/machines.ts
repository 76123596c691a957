import { request } from 'node:http';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret } from '@sallyport/core';
import type { Machine, MachinePlan, StartOptions } from '@sallyport/core/driver';
import type { EgressRoute } from '@sallyport/core/egress';

import { reachable } from '../../../../../test/setup/reachable.ts';

/** Shared setup for machine tests. Call `cleanUp` at the end. */
export interface Workbench {
  readonly directory: string;
  readonly egress: EgressRoute;
  plan(change?: Partial<MachinePlan>): MachinePlan;
  startOptions(change?: Partial<StartOptions>): StartOptions;
  cleanUp(): Promise<void>;
}

export const token = 'canary-boot-token-0123456789-0123456789';

export async function createWorkbench(): Promise<Workbench> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sp-bench-')));
  chmodSync(directory, 0o711);
  const egressDirectory = join(directory, 'egress');
  mkdirSync(egressDirectory, { mode: 0o711 });
  const server = createServer((socket) => {
    // Unread, it would never notice that the machine has closed its side.
    socket.on('error', () => {}).resume();
    socket.end('hello from the proxy');
  });
  const socketPath = join(egressDirectory, 'route.sock');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const egress: EgressRoute = { socketPath, close: async () => {} };
  let count = 0;
  return {
    directory,
    egress,
    plan: (change) => ({
      machineId: `m-test${process.pid}x${++count}`,
      userId: 'someone',
      role: 'cli',
      memoryMb: 128,
      vcpus: 1,
      diskMb: 100,
      labels: {},
      agent: {
        directory: reachable(import.meta.dirname),
        entry: 'stand-in-agent.mjs',
        nodeArgs: [],
        node: reachable(process.execPath),
      },
      clis: [],
      ...change,
    }),
    startOptions: (change) => ({
      epoch: 1,
      token: new Secret(token),
      egress,
      signal: AbortSignal.timeout(60_000),
      ...change,
    }),
    cleanUp: async () => {
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Sends a request to the fake agent. */
export async function ask(machine: Machine, path: string, body?: string): Promise<string> {
  const socket = await machine.connect(8080, { signal: AbortSignal.timeout(60_000) });
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        createConnection: () => socket,
        path,
        method: body === undefined ? 'GET' : 'POST',
        headers: { host: 'agent', authorization: `Bearer ${token}` },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(text));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Runs a shell command inside the machine and returns its exit code and output. */
export async function runInside(machine: Machine, script: string): Promise<string> {
  const { code, output }: { code: number; output: string } = JSON.parse(await ask(machine, '/run', script));
  return `${code} ${output.trim()}`;
}
