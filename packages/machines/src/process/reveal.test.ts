import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openLimiter } from '../host/limits/limiter.ts';
import { createWorkbench, runInside } from './__fixtures__/machines.ts';
import type { Workbench } from './__fixtures__/machines.ts';
import { createProcessDriver } from './driver.ts';
import { chooseIsolation } from './isolation.ts';
import { launchPlainly } from './launch-plainly.ts';
import { machineLayout } from './layout.ts';
import { canReveal, findClosedDirectories } from './reveal.ts';

const works = await canReveal();
const signal = new AbortController().signal;

let bench: Workbench;
beforeEach(async () => (bench = await createWorkbench()));
afterEach(() => bench.cleanUp());

describe('directories that only root may enter', () => {
  it('are found by the topmost one on the way', async () => {
    const open = join(bench.directory, 'open');
    const closed = join(bench.directory, 'closed');
    for (const directory of [open, join(closed, 'deep/deeper')]) mkdirSync(directory, { recursive: true });
    chmodSync(closed, 0o700);
    chmodSync(join(closed, 'deep'), 0o700);
    expect(await findClosedDirectories([join(open, 'file'), join(closed, 'deep/deeper/file'), closed])).toEqual([
      closed,
    ]);
  });
});

describe.runIf(works)('a machine without bubblewrap on a server that is root', () => {
  it('never runs as root and reads no file that belongs to root, below a directory that only root may enter', async () => {
    const closed = join(bench.directory, 'closed');
    const data = join(closed, 'data');
    mkdirSync(data, { recursive: true });
    chmodSync(closed, 0o700);
    const secret = join(data, 'master.key');
    writeFileSync(secret, 'canary', { mode: 0o400 });
    const driver = await createProcessDriver({ dataDirectory: data, clock: systemClock, isolation: 'none' });
    const [attacker, victim] = [
      await driver.create(bench.plan(), { signal }),
      await driver.create(bench.plan(), { signal }),
    ];
    await Promise.all([attacker.start(bench.startOptions()), victim.start(bench.startOptions())]);
    await runInside(victim, 'echo canary > ~/credential');
    expect(await runInside(attacker, 'id -u')).toMatch(/^0 [2-9]\d{5}$/);
    for (const path of [secret, join(data, 'machines', victim.id, 'home/credential'), '/etc/shadow']) {
      expect(await runInside(attacker, `cat ${path}`), path).toMatch(/^1 cat: .*(Permission denied|No such file)/);
    }
    // Its own home is where its environment says, on the host's disk.
    expect(await runInside(attacker, 'pwd; echo kept > ~/file; cat ~/file')).toBe(
      `0 ${join(data, 'machines', attacker.id, 'home')}\nkept`,
    );
    expect(await runInside(attacker, 'umask; id -G; grep NoNewPrivs /proc/self/status')).toMatch(
      /^0 0022\n[2-9]\d{5}\nNoNewPrivs:\t1$/,
    );
    await Promise.all([attacker.destroy(), victim.destroy()]);
  });

  it('reads no master key where every user can pass through', async () => {
    const data = join(bench.directory, 'data');
    const driver = await createProcessDriver({ dataDirectory: data, clock: systemClock, isolation: 'none' });
    const secret = join(data, 'master.key');
    writeFileSync(secret, 'canary', { mode: 0o400 });
    const machine = await driver.create(bench.plan(), { signal });
    await machine.start(bench.startOptions());
    expect(await runInside(machine, `cat ${secret}`)).toMatch(/^1 cat: .*Permission denied/);
    chownSync(secret, Number((await runInside(machine, 'id -u')).slice(2)), 0);
    expect(await runInside(machine, `cat ${secret}`)).toBe('0 canary');
    await machine.destroy();
  });
});

describe('a host that allows no mounts', () => {
  it('gets no machine that runs as root', async () => {
    const closed = join(bench.directory, 'closed');
    const layout = machineLayout(join(closed, 'data'), 'm-test');
    mkdirSync(layout.run, { recursive: true });
    chmodSync(closed, 0o700);
    const request = {
      layout,
      plan: bench.plan(),
      isolation: { ...(await chooseIsolation('none')), canReveal: false },
      uid: 200_000,
      options: bench.startOptions(),
      limiter: await openLimiter(),
      maxProcesses: 64,
    };
    await expect(launchPlainly(request, layout.run)).rejects.toMatchObject({
      code: 'CONFIG_HOST_UNSUITABLE',
      message: `Machines do not run as root, and their users cannot enter ${closed}.`,
      hint: expect.stringContaining('SALLYPORT_DATA_DIR'),
    });
  });
});
