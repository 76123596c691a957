import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { createFirecrackerDriver } from '@sallyport/machines';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { prepareFakeHost } from '../../packages/machines/src/firecracker/__fixtures__/fake-host.ts';

const fixtures = join(import.meta.dirname, '../../packages/machines/src/firecracker/__fixtures__');
const isRoot = process.geteuid?.() === 0;

/** What is done before, and every step of the last of it at which something new lies on the host. */
const steps: readonly (readonly [done: string, steps: readonly string[]])[] = [
  ['create', ['its directory', 'its user', 'its disk', 'its record']],
  [
    'create,inject,start',
    [
      'its place on the network',
      'its agent drive',
      'the room for its memory',
      'its jail',
      'the note of its process',
      'PUT /logger',
      'PUT /vsock',
      'PUT /actions',
      'the answer of its agent',
    ],
  ],
  [
    'create,start,hibernate',
    [
      'the sleep of its agent',
      '/vm',
      '/snapshot/create',
      'the note of its snapshot',
      'its end after the snapshot',
      'the end of its jail',
    ],
  ],
  [
    'create,start,hibernate,wake',
    [
      'its place on the network',
      'its jail',
      'the note of its process',
      'GET /vm/config',
      'PATCH /vm',
      'the answer of its agent',
    ],
  ],
  [
    'create,start,destroy',
    [
      'the end of its jail',
      'the end of its place',
      'the end of its memory',
      'the end of its directory',
      'the end of its user',
    ],
  ],
];

describe.skipIf(!isRoot)(`a server that is killed${isRoot ? '' : ' (needs root, as the jailer does)'}`, () => {
  let directory: string;

  beforeEach(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'sp-fc-')));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function killServerAt(done: string, step: string): Promise<void> {
    const words = ['--conditions=@sallyport/source', join(fixtures, 'run-driver.ts'), directory, done];
    const server = spawn(process.execPath, [...words, `${done.split(',').at(-1)}: ${step}`]);
    const [said, complained] = await Promise.all([text(server.stdout), text(server.stderr), once(server, 'close')]);
    // It got there: it would have ended well otherwise, or said why not.
    expect(server.signalCode, `${said}\n${complained}`).toBe('SIGKILL');
  }

  for (const [done, names] of steps) {
    it.each(names)(`leaves nothing that the next one does not find: ${done}, before %s`, async (step) => {
      await killServerAt(done, step);
      const driver = await createFirecrackerDriver(await prepareFakeHost({ directory, hollow: true }));
      await driver.reconcile();
      const settled = await inventory(directory);
      expect(await driver.reconcile()).toEqual([]);
      expect(await inventory(directory)).toEqual(settled);

      const [ref, ...others] = await driver.list();
      expect(others).toEqual([]);
      expect(ref?.running ?? false).toBe(false);
      expect(settled).toEqual(expectedOf(ref));
      await (ref && (await driver.adopt(ref)))?.destroy();
      expect(await inventory(directory)).toEqual(expectedOf(undefined));
      expect(await driver.reconcile()).toEqual([]);
    });
  }
});

interface Inventory {
  readonly processes: number;
  readonly machines: number;
  readonly jails: number;
  readonly groups: number;
  readonly users: number;
  readonly places: number;
  readonly snapshots: number;
  readonly drives: number;
}

/** A machine that does not run has a directory and a user; one that sleeps has its place, its memory and its drives, too. */
function expectedOf(ref: { readonly hibernated?: boolean } | undefined): Inventory {
  const [exists, sleeps] = [ref ? 1 : 0, ref?.hibernated ? 1 : 0];
  return {
    processes: 0,
    machines: exists,
    jails: 0,
    groups: 0,
    users: exists,
    places: sleeps,
    snapshots: sleeps,
    drives: exists + sleeps,
  };
}

async function inventory(directory: string): Promise<Inventory> {
  const data = join(directory, 'data');
  const count = async (folder: string, isOne: RegExp): Promise<number> =>
    (await readdir(join(data, folder)).catch(() => [])).filter((name) => isOne.test(name)).length;
  const machine = `firecracker/m-abcdefghij234567klmn`;
  return {
    processes: await countProcesses(directory),
    machines: await count('firecracker', /^m-/),
    jails: await count('jails/firecracker', /./),
    groups: await count('cgroups/sallyport', /^m-/),
    users: await count('firecracker/machine-users', /^\d+$/),
    places: await count('network', /\.place$/),
    snapshots: await count(`${machine}/snap`, /./),
    drives: await count(machine, /\.ext4/),
  };
}

/** Everything that was started with a path below this directory. */
async function countProcesses(directory: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const roots = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const folder = await realpath(`/proc/${pid}/cwd`).catch(() => '');
      return line.includes(directory) || folder.startsWith(directory);
    }),
  );
  return roots.filter(Boolean).length;
}
