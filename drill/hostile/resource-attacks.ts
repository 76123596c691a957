import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask, runInside } from '../../packages/machines/src/process/__fixtures__/machines.ts';
import { root, runSallyport } from '../../test/server/sallyport-process.ts';
import type { Attack } from './attack.ts';
import { runOutside, withMachine } from './with-machine.ts';

/** More than the default, 2048. */
const FORKS = 3000;
const bomb = `perl -e 'while (@p < ${FORKS} && defined($p = fork)) { exec "sleep", "600" unless $p; push @p, $p } kill 9, @p; print scalar @p'`;
const forksOf = (report: string): string | undefined =>
  Number(report.split(' ')[1]) >= FORKS ? `${FORKS} processes` : undefined;

const GIB = 1024 ** 3;
const allocation = `perl -e '$x = "x" x (2 * ${GIB}); print length $x'`;
const bytesOf = (report: string): string | undefined => (report.startsWith('0 ') ? '2 GiB' : undefined);

/** Runs a program in a machine, while a server on the same host is asked again and again: each question has to be answered. */
async function runBesideServer(directory: string, memoryMb: number, program: string): Promise<string> {
  const server = runSallyport(['--config', join(root, 'e2e/configs/fake-cli.config.ts')], {
    SALLYPORT_DATA_DIR: directory,
    PORT: '0',
  });
  try {
    const line = await server.saying(/sallyport listening on http:\S+/);
    const url = `${line.replace('sallyport listening on ', '')}/api/providers`;
    const over = new AbortController();
    const asking = (async () => {
      let answers = 0;
      for (; !over.signal.aborted || answers === 0; answers += 1) {
        const response = await fetch(url);
        if (!response.ok) throw new Error(`The server answered ${response.status} meanwhile.`);
        await response.arrayBuffer();
        await sleep(20);
      }
      return answers;
    })();
    asking.catch(() => {});
    const report = await withMachine({ isolation: 'bubblewrap', plan: { memoryMb } }, async (machine) => {
      const got = await runInside(machine, program);
      await ask(machine, '/health');
      return got;
    });
    over.abort();
    await asking;
    return report;
  } finally {
    server.child.kill('SIGTERM');
    await server.ended;
  }
}

/** Attacks on what all machines of a host share. `scratch` makes directories that every user can enter. */
export function listResourceAttacks(scratch: () => string): readonly Attack[] {
  return [
    {
      title: `fork ${FORKS} processes in a machine with the default limit`,
      defended: async () => forksOf(await runBesideServer(scratch(), 1024, bomb)),
      undefended: async () => forksOf(await runOutside(bomb)),
    },
    {
      title: 'take 2 GiB of memory in a machine of 256 MiB',
      defended: async () => bytesOf(await runBesideServer(scratch(), 256, allocation)),
      undefended: async () => bytesOf(await runOutside(allocation)),
    },
  ];
}
