import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { SallyportError, Secret, systemClock } from '@sallyport/core';
import type { AgentClient } from '@sallyport/core';
import { connectAgent, createDirectEgress } from '@sallyport/machines';

import { ask, runInside, token } from '../../packages/machines/src/process/__fixtures__/machines.ts';
import { attempt, refusedAttempts, socketCall } from '../../packages/machines/src/process/__fixtures__/system-calls.ts';
import { runProbe, writeProbeCli } from '../../packages/testkit/src/driver-suite/probe-cli.ts';
import { watchUser } from '../../packages/testkit/src/driver-suite/watch-user.ts';
import { succeeded } from './attack.ts';
import type { Attack } from './attack.ts';
import { fillAuditLog } from './fill-audit-log.ts';
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

function plantKey(directory: string): string {
  const path = join(directory, 'master.key');
  writeFileSync(path, 'drill', { mode: 0o400 });
  return path;
}

/** More than the default, 2048. */
const FORKS = 3000;
const bomb = `perl -e 'while (@p < ${FORKS} && defined($p = fork)) { exec "sleep", "600" unless $p; push @p, $p } kill 9, @p; print scalar @p'`;
const forksOf = (report: string): string | undefined =>
  Number(report.split(' ')[1]) >= FORKS ? `${FORKS} processes` : undefined;

const forkBomb: Attack = {
  title: `fork ${FORKS} processes in a machine with the default limit`,
  defended: () =>
    withMachine({ isolation: 'bubblewrap', plan: { memoryMb: 1024 } }, async (machine) => {
      const got = forksOf(await runInside(machine, bomb));
      await ask(machine, '/health');
      return got;
    }),
  undefended: async () => forksOf(await runOutside(bomb)),
};

const GIB = 1024 ** 3;
const allocation = `perl -e '$x = "x" x (2 * ${GIB}); print length $x'`;
const bytesOf = (report: string): string | undefined => (report.startsWith('0 ') ? '2 GiB' : undefined);

const memory: Attack = {
  title: 'take 2 GiB of memory in a machine of 256 MiB',
  defended: () =>
    withMachine({ isolation: 'bubblewrap', plan: { memoryMb: 256 } }, async (machine) => {
      const got = bytesOf(await runInside(machine, allocation));
      await ask(machine, '/health');
      return got;
    }),
  undefended: async () => bytesOf(await runOutside(allocation)),
};

const CONNECTIONS = 400;
/** Opens connections, sends half a request on each, and counts those that stay open. */
const openConnections = (path: string): string => `
  const sockets = Array.from({ length: ${CONNECTIONS} }, () => require("net").connect({ path: "${path}", allowHalfOpen: true }));
  let closed = 0, begun = 0;
  // Time for the server to close those that it does not keep.
  const begin = () => { if (++begun === sockets.length) setTimeout(() => { console.log(sockets.length - closed); process.exit(); }, 5000); };
  for (const socket of sockets) {
    socket.on("error", () => {});
    let isOpen = true;
    for (const event of ["end", "close"]) socket.once(event, () => { if (isOpen) closed += 1; isOpen = false; });
    socket.once("connect", () => { begin(); socket.resume(); socket.write("CONNECT refused.test:443 HTTP/1.1\\r\\n"); });
  }`;
const heldOpen = (report: string): string | undefined => {
  const open = Number(report.trim().split(/\s/).at(-1));
  return open > 128 ? `${open} descriptors` : undefined;
};

const descriptors: Attack = {
  title: `hold ${CONNECTIONS} connections to its egress proxy open`,
  defended: async () => {
    const egress = createDirectEgress({ directory: scratch(), clock: systemClock });
    const route = await egress.reserve?.('m-drill', { signal: AbortSignal.timeout(HANG_LIMIT_MS) });
    if (!route) throw new Error('The direct egress reserves no route.');
    try {
      return heldOpen(await runOutside(`${process.execPath} -e '${openConnections(route.socketPath)}'`));
    } finally {
      await route.close();
    }
  },
  undefended: async () => {
    const path = join(scratch(), 'plain.sock');
    const server = createServer({ allowHalfOpen: true }, (socket) => void socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      return heldOpen(await runOutside(`${process.execPath} -e '${openConnections(path)}'`));
    } finally {
      server.close();
    }
  },
};

const auditLog: Attack = {
  title: 'fill the audit log by asking for hosts that are refused',
  defended: () => fillAuditLog(scratch(), true),
  undefended: () => fillAuditLog(scratch(), false),
};

/** Runs as the CLI whose home it is. */
const plant = (isFifo: boolean): void => {
  const { execFileSync } = process.getBuiltinModule('node:child_process');
  execFileSync('/bin/sh', ['-c', isFifo ? 'mkfifo auth.json' : 'echo secret > auth.json'], {
    cwd: process.env['HOME'],
  });
};

const fifo: Attack = {
  title: 'lock the user out of every provider by a FIFO in place of one credential',
  defended: async () => {
    const signal = AbortSignal.timeout(HANG_LIMIT_MS);
    const { directory, node } = agentBundle();
    const clis = await Promise.all(['fifo', 'file'].map((provider) => writeProbeCli(scratch(), provider)));
    const agent = { directory, entry: 'main.js', nodeArgs: [], node };
    return withMachine({ isolation: 'bubblewrap', plan: { agent, clis } }, async (machine) => {
      const inside = connectAgent(machine, new Secret(token));
      await runProbe(inside, { provider: 'fifo', signal }, plant, true);
      await runProbe(inside, { provider: 'file', signal }, plant, false);
      await machine.stop({ deadlineMs: HANG_LIMIT_MS });
      const refused = await machine.disk.harvest('fifo', ['~/auth.json']).catch((error: unknown) => error);
      if (!SallyportError.isInstance(refused) || refused.code !== 'MACHINE_DISK_UNSAFE') return 'a read of the FIFO';
      const others = await machine.disk.harvest('file', ['~/auth.json']);
      return others.length === 1 ? undefined : "the other provider's credential";
    });
  },
  undefended: async () => {
    const path = join(scratch(), 'auth.json');
    const report = await runOutside(`mkfifo ${path} && timeout 2 cat ${path}`);
    return report.startsWith('124 ') ? 'a reader that waits for ever' : undefined;
  },
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
    descriptors,
    auditLog,
    fifo,
    masterKey,
    forkBomb,
    memory,
  ];
}
