import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { SallyportError, Secret } from '@sallyport/core';
import type { Machine } from '@sallyport/core/driver';
import type { AgentClient } from '@sallyport/core/protocol';
import { connectAgent } from '@sallyport/machines';

import { runInside, token } from '../../packages/machines/src/process/__fixtures__/machines.ts';
import { attempt, refusedAttempts, socketCall } from '../../packages/machines/src/process/__fixtures__/system-calls.ts';
import { machineLayout } from '../../packages/machines/src/process/layout.ts';
import { runProbe, writeProbeCli } from '../../packages/testkit/src/driver-suite/probe-cli.ts';
import { watchUser } from '../../packages/testkit/src/driver-suite/watch-user.ts';
import { succeeded } from './attack.ts';
import type { Attack } from './attack.ts';
import { listConnectionAttacks } from './connection-attacks.ts';
import { listResourceAttacks } from './resource-attacks.ts';
import { HANG_LIMIT_MS, runOutside, withMachine } from './with-machine.ts';
import { listWorkAttacks } from './work-attacks.ts';

const kernel: Attack = {
  title: "reach the server's kernel keyring and other interfaces of the shared kernel",
  defended: () =>
    withMachine({ isolation: 'bubblewrap' }, async (machine) =>
      succeeded(await runInside(machine, attempt(refusedAttempts))),
    ),
  undefended: async () => succeeded(await runOutside(attempt(refusedAttempts))),
};

const vsockCall = attempt({ vsock: [socketCall, 40, 1, 0], alg: [socketCall, 38, 5, 0] });
const sockets: Attack = {
  title: 'open sockets that leave its network namespace',
  defended: () =>
    withMachine({ isolation: 'bubblewrap' }, async (machine) => succeeded(await runInside(machine, vsockCall))),
  undefended: async () => succeeded(await runOutside(vsockCall)),
};

async function watch(isolation: 'bubblewrap' | 'none'): Promise<string | undefined> {
  const signal = AbortSignal.timeout(HANG_LIMIT_MS);
  const { directory, node } = agentBundle();
  const plan = {
    role: 'browser',
    memoryMb: 1536,
    desktop: { width: 800, height: 600 },
    agent: { directory, entry: 'main.js', nodeArgs: [], node },
  } as const;
  return withMachine(
    { isolation, plan: { ...plan, clis: [await writeProbeCli(scratch(), 'spy')] } },
    async (machine) => {
      const agent = connectAgent(machine, new Secret(token));
      await desktopReady(agent, signal);
      const { found, processes, displays } = await runProbe(agent, { provider: 'spy', signal }, watchUser, null);
      const names = [...new Set(found.map((path) => path.split('/').at(-1)))];
      const got = [...names, ...(processes.length > 0 ? [`${processes.length} processes`] : []), ...displays];
      return got.length === 0 ? undefined : got.join(', ');
    },
  );
}

async function desktopReady(agent: AgentClient, signal: AbortSignal): Promise<void> {
  for await (const event of agent.events(signal)) {
    if (event.type === 'desktop.failed') throw new Error(event.message);
    if (event.type === 'desktop.ready') return;
  }
}

const screen: Attack = {
  title: 'as a login CLI, watch the screen on which the user signs in',
  defended: () => watch('bubblewrap'),
  undefended: () => watch('none'),
};

const masterKey: Attack = {
  title: 'read the master key on a host without bubblewrap',
  defended: () =>
    withMachine({ isolation: 'none' }, async (machine, bench) => {
      const read = await runInside(machine, `cat ${plantKey(bench.directory)}`);
      return read.startsWith('0 ') ? 'the key' : undefined;
    }),
  undefended: async () => {
    const read = await runOutside(`cat ${plantKey(scratch())}`);
    return read.startsWith('0 ') ? 'the key' : undefined;
  },
};

const otherHome: Attack = {
  title: "read another machine's home on a host without bubblewrap",
  defended: () =>
    withMachine({ isolation: 'none' }, async (victim, { directory }) => {
      const read = readSecretOf(victim, directory);
      return withMachine({ isolation: 'none' }, async (machine) => secretIn(await runInside(machine, read)));
    }),
  undefended: () =>
    withMachine({ isolation: 'none' }, async (victim, { directory }) =>
      secretIn(await runOutside(readSecretOf(victim, directory))),
    ),
};

/** Puts a secret into the home of a machine. Returns the command that prints it. */
function readSecretOf({ id }: Machine, directory: string): string {
  const path = join(machineLayout(join(directory, 'data'), id).home, 'secret');
  writeFileSync(path, 'secret of the victim');
  return `cat ${path}`;
}

const secretIn = (report: string): string | undefined => (report.startsWith('0 secret') ? 'the secret' : undefined);

function plantKey(directory: string): string {
  const path = join(directory, 'master.key');
  writeFileSync(path, 'drill', { mode: 0o400 });
  return path;
}

/** Runs as the CLI whose home it is. */
const plant = (isFifo: boolean): void => {
  const { execFileSync } = process.getBuiltinModule('node:child_process');
  execFileSync('/bin/sh', ['-c', isFifo ? 'mkfifo auth.json' : 'echo secret > auth.json'], {
    cwd: process.env['HOME'],
  });
};

/** Leaves a FIFO in one home and a credential in another, as a program of each CLI, and looks at both when the machine has stopped. */
async function leaveFifo<Result>(look: (machine: Machine, directory: string) => Promise<Result>): Promise<Result> {
  const signal = AbortSignal.timeout(HANG_LIMIT_MS);
  const { directory, node } = agentBundle();
  const clis = await Promise.all(['fifo', 'file'].map((provider) => writeProbeCli(scratch(), provider)));
  const agent = { directory, entry: 'main.js', nodeArgs: [], node };
  return withMachine({ isolation: 'bubblewrap', plan: { agent, clis } }, async (machine, bench) => {
    const inside = connectAgent(machine, new Secret(token));
    await runProbe(inside, { provider: 'fifo', signal }, plant, true);
    await runProbe(inside, { provider: 'file', signal }, plant, false);
    await machine.stop({ deadlineMs: HANG_LIMIT_MS });
    return look(machine, machineLayout(join(bench.directory, 'data'), machine.id).homes);
  });
}

const fifo: Attack = {
  title: 'lock the user out of every provider by a FIFO in place of one credential',
  defended: () =>
    leaveFifo(async ({ disk }) => {
      const refused = await disk.harvest('fifo', ['~/auth.json']).catch((error: unknown) => error);
      if (!SallyportError.isInstance(refused) || refused.code !== 'MACHINE_DISK_UNSAFE') return 'a read of the FIFO';
      const others = await disk.harvest('file', ['~/auth.json']);
      return others.length === 1 ? undefined : "the other provider's credential";
    }),
  undefended: () =>
    leaveFifo(async (_machine, homes) => {
      const report = await runOutside(`for home in fifo file; do timeout 2 cat ${homes}/$home/auth.json || exit; done`);
      return report.startsWith('124 ') ? 'a reader that waits for ever' : undefined;
    }),
};

let scratchDirectory = '';
let scratchCount = 0;

/** A new directory that every user can enter. */
function scratch(): string {
  const directory = join(scratchDirectory, String((scratchCount += 1)));
  mkdirSync(directory, { mode: 0o755 });
  return directory;
}

export function listAttacks(directory: string): readonly Attack[] {
  scratchDirectory = directory;
  return [
    ...listWorkAttacks(scratch),
    kernel,
    sockets,
    screen,
    ...listConnectionAttacks(scratch),
    fifo,
    masterKey,
    otherHome,
    ...listResourceAttacks(scratch),
  ];
}
