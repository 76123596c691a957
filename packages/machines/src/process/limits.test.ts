import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { Machine } from '@sallyport/core/driver';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { findOwnCgroups } from '../host/limits/cgroup-files.ts';
import { openLimiter } from '../host/limits/limiter.ts';
import { ask, createWorkbench, runInside } from './__fixtures__/machines.ts';
import type { Workbench } from './__fixtures__/machines.ts';
import { createProcessDriver } from './driver.ts';
import { chooseIsolation } from './isolation.ts';

const { isWhole } = await openLimiter();
const hasBubblewrap = (await chooseIsolation('auto')).bubblewrap !== undefined;

for (const isolation of ['bubblewrap', 'none'] as const) {
  const skipped = !isWhole || (isolation === 'bubblewrap' && !hasBubblewrap);
  const title = `the limits of a machine, isolation ${isolation}`;
  describe.skipIf(skipped)(`${title}${skipped ? ' (needs bubblewrap, and root or delegated cgroups)' : ''}`, () => {
    let bench: Workbench;
    let machine: Machine;
    beforeEach(async () => {
      bench = await createWorkbench();
      const dataDirectory = join(bench.directory, 'data');
      const driver = await createProcessDriver({ dataDirectory, clock: systemClock, isolation, maxProcesses: 64 });
      machine = await driver.create(bench.plan({ memoryMb: 128 }), { signal: AbortSignal.timeout(60_000) });
      await machine.start(bench.startOptions());
    });
    afterEach(async () => {
      await machine.destroy();
      await bench.cleanUp();
    });

    it('ends a fork bomb at its number of processes, and the agent goes on answering', async () => {
      const bomb = `perl -e 'while (@p < 500 && defined($p = fork)) { exec "sleep", "600" unless $p; push @p, $p } kill 9, @p; print scalar @p'`;
      const forks = Number((await runInside(machine, bomb)).split(' ')[1]);
      expect(forks).toBeGreaterThan(0);
      expect(forks).toBeLessThan(64);
      expect(await ask(machine, '/health')).toContain('ok');
    });

    it('kills a program that takes more than twice the planned memory, and the agent goes on answering', async () => {
      const take = (megabytes: number): string => `perl -e '$x = "x" x (${megabytes} * 1024 * 1024); print length $x'`;
      expect(await runInside(machine, take(64))).toBe(`0 ${64 * 1024 ** 2}`);
      expect(await runInside(machine, `${take(400)}; echo $?`)).toMatch(/137$/);
      expect(await ask(machine, '/health')).toContain('ok');
    });

    it('writes no core file and opens a bounded number of files', async () => {
      expect(await runInside(machine, 'ulimit -c; ulimit -H -n')).toMatch(/^0 0\n8192$/);
    });

    it('are gone with the machine', async () => {
      const groups = (await findOwnCgroups()).map(({ directory }) => join(directory, `sallyport-${machine.id}`));
      expect(groups.some((group) => existsSync(group))).toBe(true);
      await machine.stop({ deadlineMs: 10_000 });
      expect(groups.filter((group) => existsSync(group))).toEqual([]);
    });

    it('are gone with a machine whose start failed before it ran', async () => {
      const groups = (await findOwnCgroups()).map(({ directory }) => join(directory, `sallyport-${machine.id}`));
      await machine.stop({ deadlineMs: 10_000 });
      const abort = new AbortController();
      const { egress } = bench;
      // Aborts between the preparation of the start and the start.
      const late = {
        ...egress,
        get socketPath() {
          setImmediate(() => abort.abort(new Error('enough')));
          return egress.socketPath;
        },
      };
      await expect(machine.start(bench.startOptions({ egress: late, signal: abort.signal }))).rejects.toThrow('enough');
      expect(groups.filter((group) => existsSync(group))).toEqual([]);
    });
  });
}
