import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import type { FakeFault, FakeFirecrackerOptions } from '@sallyport/testkit/firecracker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createFakeJail, plan, resources } from '../__fixtures__/fake-jail.ts';
import type { FakeJail } from '../__fixtures__/fake-jail.ts';
import { bootSequence, jail } from '../boot-sequence.ts';
import { bootVmm } from '../boot.ts';
import type { RunningVmm } from '../boot.ts';
import { hashFile } from '../../host/hashing/hash-file.ts';
import { connectVsock, waitForVsock } from '../vsock.ts';
import { openGenerations } from './generations.ts';
import { hibernateVmm } from './hibernate.ts';
import type { HibernateParts } from './hibernate.ts';
import { resumeVmm } from './resume.ts';
import type { ResumeParts } from './resume.ts';

/** Small: its memory is read in full for every snapshot. Of this, the balloon takes half. */
const machinePlan = { ...plan('cli'), memoryMb: 2 };
const { machineId, memoryMb } = machinePlan;
const MIB = 1024 * 1024;
/** Never aborted: the runner ends a test that takes too long, however long its file takes on a busy host. */
const { signal } = new AbortController();

let jailed: FakeJail;
/** What happened beside the API, in order. */
let steps: string[];

beforeEach(async () => {
  jailed = await createFakeJail();
  steps = [];
});

afterEach(() => jailed.close());

function shared() {
  const directory = join(jailed.root, jail.snapshots);
  return {
    machineId,
    memoryMb,
    clock: systemClock,
    host: { firecracker: '1.16.1', snapshotFormat: '11.0.0', kernel: '6.1.0', cpu: 'GenuineIntel 6/106/6' },
    key: new Secret('key of this server'),
    directory,
    generations: openGenerations(directory),
    disk: join(jailed.root, jail.own),
    agentDrive: join(jailed.root, jail.agent),
    sources: { kernel: 'a1', base: 'b2' },
  };
}

async function boot(
  interfere?: FakeFirecrackerOptions['interfere'],
  options?: Pick<FakeFirecrackerOptions, 'clockRealtime'>,
): Promise<RunningVmm> {
  const running = await bootVmm(
    {
      clock: systemClock,
      requests: bootSequence(machinePlan, resources),
      startVmm: () => jailed.startVmm({ ...options, ...(interfere && { interfere }) }),
      ready: async (_, alive) => void (await waitForVsock(jailed.vsock, systemClock, alive)).destroy(),
    },
    signal,
  );
  return running;
}

async function hibernate(running: RunningVmm, change?: Partial<HibernateParts>): Promise<number> {
  const { generations } = shared();
  const generation = change?.generation ?? (await generations.next());
  if (generation !== change?.wokenFrom) await generations.begin(generation);
  return hibernateVmm(
    {
      ...shared(),
      ...running,
      sources: { ...shared().sources, agentDrive: await hashFile(shared().agentDrive) },
      generation,
      hasRealtimeClock: async () => true,
      prepareSleep: async () => void steps.push('prepare-sleep'),
      recordHibernated: async (number) => {
        steps.push(`hibernated ${number}, ${(await snapshots()).join(' ')}, ${jailed.fakes.at(-1)?.phase}`);
      },
      answers: async (alive) => {
        (await connectVsock(jailed.vsock, systemClock, alive)).destroy();
        return true;
      },
      ...change,
    },
    signal,
  );
}

const wake = (generation: number, change?: Partial<ResumeParts>) =>
  resumeVmm(
    {
      ...shared(),
      resources,
      recordResuming: async (number) => void steps.push(`resuming ${number}, ${(await files(number)).join(' ')}`),
      startVmm: async () => {
        steps.push(`start, ${(await files(generation)).join(' ')}`);
        return jailed.startVmm();
      },
      woke: async () => void steps.push(`woke, ${jailed.fakes.at(-1)?.phase}`),
      ...change,
    },
    generation,
    signal,
  );

const snapshots = async () => (await readdir(join(jailed.root, jail.snapshots))).toSorted();
const files = async (generation: number) =>
  (await readdir(join(jailed.root, jail.snapshots, `gen-${generation}`))).toSorted();
const requestsOf = (index: number) =>
  jailed.fakes[index]?.requests.map(({ method, path, body }) => ({ method, path, ...(body && { body }) })) ?? [];

/** Goes wrong at one request, once. */
const once = (path: string, fault: FakeFault): FakeFirecrackerOptions['interfere'] => {
  let happened = false;
  return (request) => {
    const now = !happened && request.path === path;
    happened ||= now;
    return now ? fault : undefined;
  };
};
const refused: FakeFault = { kind: 'answer', status: 400, body: { fault_message: 'no' } };

describe('a machine that hibernates', () => {
  it('is asked to prepare, paused, saved, recorded, and only then killed', async () => {
    const running = await boot();
    const before = requestsOf(0).length;
    expect(await hibernate(running)).toBe(1);
    expect(requestsOf(0).slice(before)).toEqual([
      { method: 'PATCH', path: '/vm', body: { state: 'Paused' } },
      {
        method: 'PUT',
        path: '/snapshot/create',
        body: { snapshot_type: 'Full', snapshot_path: '/snap/gen-1.tmp/state', mem_file_path: '/snap/gen-1.tmp/mem' },
      },
    ]);
    expect(steps).toEqual(['prepare-sleep', 'hibernated 1, gen-1, Paused']);
    expect(await jailed.fakes[0]?.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await files(1)).toEqual(['manifest', 'mem', 'state']);
    expect(jailed.fakes[0]?.connections.most).toBe(1);
  });

  it('keeps what it writes from everybody else, and its directory from itself', async () => {
    await hibernate(await boot());
    const folder = join(jailed.root, jail.snapshots, 'gen-1');
    for (const name of await files(1)) {
      expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600);
    }
    expect((await stat(folder)).mode & 0o022).toBe(0);
  });

  it('gives back what memory it can spare while it still runs, and has it again when it goes on', async () => {
    const running = await boot(once('/snapshot/create', refused));
    const before = requestsOf(0).length;
    const parts = { takeMb: 1, answers: async () => true };
    await expect(hibernate(running, parts)).rejects.toThrow('refused PUT /snapshot/create');
    expect(
      requestsOf(0)
        .slice(before)
        .map(({ path, body }) => [path, body?.['amount_mib'] ?? body?.['state']]),
    ).toEqual([
      ['/balloon', 1],
      ['/balloon/statistics', undefined],
      ['/vm', 'Paused'],
      ['/snapshot/create', undefined],
      ['/vm', 'Resumed'],
      ['/balloon', 0],
    ]);
    expect(await hibernate(running, parts)).toBe(1);
    // What it gave back takes no space: Firecracker wrote zeros for it.
    const memory = await stat(join(jailed.root, jail.snapshots, 'gen-1', 'mem'));
    expect(memory.size).toBe(memoryMb * MIB);
    expect(memory.blocks * 512).toBeLessThan((memoryMb * MIB) / 16);
    expect(await wake(1)).toMatchObject({ kind: 'running' });
    expect(jailed.fakes[1]?.resources.balloon).toMatchObject({ amount_mib: 0 });
  });

  it('is left alone when its agent cannot prepare', async () => {
    const running = await boot();
    const before = requestsOf(0).length;
    await expect(hibernate(running, { prepareSleep: () => Promise.reject(new Error('busy')) })).rejects.toThrow('busy');
    expect(requestsOf(0).length).toBe(before);
    expect(jailed.fakes[0]?.phase).toBe('Running');
  });

  it('goes on where it was when its memory cannot be written', async () => {
    const running = await boot(once('/snapshot/create', refused));
    const before = requestsOf(0).length;
    const answers = async (): Promise<boolean> => true;
    await expect(hibernate(running, { answers })).rejects.toThrow('refused PUT /snapshot/create: 400 no');
    expect(
      requestsOf(0)
        .slice(before)
        .map(({ path, body }) => [path, body?.['state']]),
    ).toEqual([
      ['/vm', 'Paused'],
      ['/snapshot/create', undefined],
      ['/vm', 'Resumed'],
    ]);
    expect(jailed.fakes[0]?.phase).toBe('Running');
    expect(await snapshots()).toEqual([]);
    expect(await hibernate(running)).toBe(1);
  });

  it('is ended when it lost its channel by being paused, as before version 1.17', async () => {
    const running = await boot(once('/snapshot/create', refused));
    await expect(hibernate(running)).rejects.toThrow('refused PUT /snapshot/create');
    expect(await jailed.fakes[0]?.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await snapshots()).toEqual([]);
  });

  it.each<FakeFault>([{ kind: 'garbage' }, { kind: 'half' }, { kind: 'close' }, { kind: 'exit' }])(
    'leaves no snapshot and no paused machine when an answer is $kind',
    async (fault) => {
      for (const path of ['/vm', '/snapshot/create']) {
        const running = await boot(once(path, fault));
        const fake = jailed.fakes.at(-1);
        await expect(hibernate(running, { answers: async () => true }), path).rejects.toMatchObject({
          code: 'MACHINE_FAILED',
        });
        expect(await snapshots()).toEqual([]);
        if (fault.kind === 'exit') {
          await fake?.exited;
        } else {
          expect(fake?.phase).toBe('Running');
        }
      }
    },
  );

  it('does not go on when nothing could be recorded after its snapshot was complete', async () => {
    const running = await boot();
    const recordHibernated = () => Promise.reject(new Error('the database is gone'));
    await expect(hibernate(running, { recordHibernated })).rejects.toThrow('the database is gone');
    expect(await jailed.fakes[0]?.exited).toMatchObject({ signal: 'SIGKILL' });
    expect(requestsOf(0).at(-1)?.path).toBe('/snapshot/create');
  });

  it('takes its snapshot back when the last step of keeping it fails', async () => {
    const running = await boot();
    const { generations } = shared();
    const commit: typeof generations.commit = async (manifest, key) => {
      await generations.commit(manifest, key);
      throw new Error('the disk is gone');
    };
    const answers = async (): Promise<boolean> => true;
    await expect(hibernate(running, { answers, generations: { ...generations, commit } })).rejects.toThrow('the disk');
    expect(jailed.fakes[0]?.phase).toBe('Running');
    expect(await snapshots()).toEqual([]);
  });

  it('never writes to the snapshot it was woken from', async () => {
    await hibernate(await boot());
    const woken = await wake(1);
    const running = woken.kind === 'running' ? woken.running : expect.unreachable(woken.reason);
    await expect(hibernate(running, { wokenFrom: 1, generation: 1 })).rejects.toThrow(
      'the machine runs from snapshot 1',
    );
    const memory = await stat(join(jailed.root, jail.snapshots, 'gen-1', 'mem'));
    expect(
      await hibernate(running, {
        wokenFrom: 1,
        recordHibernated: async () => {
          expect(await stat(join(jailed.root, jail.snapshots, 'gen-1', 'mem'))).toEqual(memory);
        },
      }),
    ).toBe(2);
    expect(await snapshots()).toEqual(['gen-2']);
  });
});

describe('a machine that is woken', () => {
  beforeEach(async () => {
    await hibernate(await boot());
    steps = [];
  });

  it('uses its snapshot up, is loaded, looked at, limited, resumed, and told so', async () => {
    expect(await wake(1)).toMatchObject({ kind: 'running', generation: 1 });
    expect(steps).toEqual(['resuming 1, manifest mem state', 'start, manifest.consumed mem state', 'woke, Running']);
    expect(requestsOf(1).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /logger',
      'PUT /snapshot/load',
      'GET /vm/config',
      'PATCH /network-interfaces/eth0',
      'PATCH /drives/base',
      'PATCH /drives/own',
      'PATCH /drives/agent',
      'PATCH /vm',
      'PATCH /balloon',
    ]);
    expect(requestsOf(1)[1]?.body).toEqual({
      snapshot_path: '/snap/gen-1/state',
      mem_backend: { backend_type: 'File', backend_path: '/snap/gen-1/mem' },
      resume_vm: false,
      track_dirty_pages: false,
      clock_realtime: true,
      network_overrides: [{ iface_id: 'eth0', host_dev_name: resources.tap }],
      vsock_override: { uds_path: '/v.sock' },
    });
    expect(requestsOf(1).at(-2)?.body).toEqual({ state: 'Resumed' });
    expect(requestsOf(1).at(-1)?.body).toEqual({ amount_mib: 0 });
    (await connectVsock(jailed.vsock, systemClock, signal)).destroy();
  });

  it('is not moved on in time by Firecracker where its snapshot does not say of when it is', async () => {
    const running = await boot(undefined, { clockRealtime: false });
    expect(await hibernate(running, { hasRealtimeClock: async () => false })).toBe(2);
    expect(await wake(2)).toMatchObject({ kind: 'running', generation: 2 });
    expect(requestsOf(2)[1]).toMatchObject({ path: '/snapshot/load', body: { resume_vm: false } });
    expect(requestsOf(2)[1]?.body).not.toHaveProperty('clock_realtime');
  });

  it('has the limits of today, not those it went to sleep with', async () => {
    const disk = { bandwidth: { size: 1000, refill_time: 1000 } };
    const entropy = { bandwidth: { size: 1, refill_time: 1000 } };
    const bucket = { size: 1, refill_time: 1000 };
    await wake(1, {
      resources: { ...resources, limits: { disk, receive: disk, transmit: disk, entropy, serial: bucket } },
    });
    expect(jailed.fakes[1]?.resources.drives.get('own')).toMatchObject({ rate_limiter: disk });
    expect(jailed.fakes[1]?.resources.interfaces.get('eth0')).toMatchObject({
      rx_rate_limiter: disk,
      tx_rate_limiter: disk,
    });
  });

  it('is not woken twice from one snapshot, one after the other or at once', async () => {
    const results = await Promise.all([wake(1), wake(1)]);
    expect(results.map(({ kind }) => kind).toSorted()).toEqual(['cold', 'running']);
    expect(await wake(1)).toEqual({
      kind: 'cold',
      reason: 'Snapshot 1 cannot be used: it is absent, was woken before, or was not made by this server.',
    });
    expect(jailed.fakes.length).toBe(2);
  });

  it('stays asleep when nothing can be recorded', async () => {
    const recordResuming = () => Promise.reject(new Error('the database is gone'));
    await expect(wake(1, { recordResuming })).rejects.toThrow('the database is gone');
    expect(await files(1)).toEqual(['manifest', 'mem', 'state']);
    expect(await wake(1)).toMatchObject({ kind: 'running' });
  });

  it('boots from its disk for good when the host is another', async () => {
    const { host } = shared();
    expect(await wake(1, { host: { ...host, firecracker: '1.17.0' } })).toMatchObject({
      kind: 'cold',
      reason: expect.stringContaining('made by Firecracker 1.16.1'),
    });
    expect(await wake(1)).toMatchObject({ kind: 'cold' });
    expect(jailed.fakes.length).toBe(1);
  });

  it.each(['state', 'mem'])('boots from its disk when its %s was changed', async (name) => {
    const path = join(jailed.root, jail.snapshots, 'gen-1', name);
    await writeFile(path, `${await readFile(path, 'utf8')}x`);
    expect(await wake(1)).toMatchObject({ kind: 'cold', reason: expect.stringContaining('is not what was saved') });
    expect(jailed.fakes.length).toBe(1);
  });

  it('boots from its disk when its disk went on without it', async () => {
    await writeFile(join(jailed.root, jail.own), 'a later state');
    expect(await wake(1)).toMatchObject({ kind: 'cold', reason: expect.stringContaining('its disk is not') });
  });

  it('boots from its disk when its agent drive was swapped while it slept', async () => {
    await writeFile(join(jailed.root, jail.agent), 'another agent');
    expect(await wake(1)).toEqual({
      kind: 'cold',
      reason: 'Snapshot 1 cannot be used: its agent drive is not what was saved.',
    });
    expect(jailed.fakes.length).toBe(1);
  });

  it.each(['kernel', 'base'] as const)('boots from its disk when its %s image is another one', async (name) => {
    const { sources } = shared();
    expect(await wake(1, { sources: { ...sources, [name]: 'c3' } })).toEqual({
      kind: 'cold',
      reason: `Snapshot 1 cannot be used: its ${name} image is another one.`,
    });
    expect(jailed.fakes.length).toBe(1);
  });

  it('boots from its disk when Firecracker cannot load it and ends itself', async () => {
    const startVmm = () => jailed.startVmm({ taps: [] });
    expect(await wake(1, { startVmm })).toMatchObject({
      kind: 'cold',
      reason: expect.stringContaining('refused PUT /snapshot/load: 400 Load snapshot error'),
    });
    expect(await jailed.fakes[1]?.exited).toEqual({ code: 1, signal: null });
    expect(await wake(1)).toMatchObject({ kind: 'cold' });
  });

  it('boots from its disk when its agent does not take what it is told', async () => {
    const woke = () => Promise.reject(new Error('the token was refused'));
    expect(await wake(1, { woke })).toEqual({ kind: 'cold', reason: 'the token was refused' });
    expect(await jailed.fakes[1]?.exited).toMatchObject({ signal: 'SIGKILL' });
  });

  it.each<FakeFault>([refused, { kind: 'garbage' }, { kind: 'half' }, { kind: 'close' }, { kind: 'exit' }])(
    'is cold, and nothing runs, when any request is answered by $kind',
    async (fault) => {
      for (let index = 0; index < 9; index += 1) {
        const generation = index + 1;
        const startVmm = () => jailed.startVmm({ interfere: (_, at) => (at === index ? fault : undefined) });
        expect(await wake(generation, { startVmm }), `request ${index}`).toMatchObject({ kind: 'cold' });
        expect(jailed.fakes.at(-1)?.requests.length).toBe(index + 1);
        expect(await jailed.fakes.at(-1)?.exited).toMatchObject({ signal: 'SIGKILL' });
        await hibernate(await boot());
      }
    },
  );

  it('is not left running when the signal says so', async () => {
    const mind = new AbortController();
    const woken = resumeVmm(
      {
        ...shared(),
        resources,
        recordResuming: async () => {},
        startVmm: () => jailed.startVmm(),
        woke: async (_, alive) => {
          mind.abort(new Error('changed my mind'));
          alive.throwIfAborted();
        },
      },
      1,
      mind.signal,
    );
    await expect(woken).rejects.toThrow('changed my mind');
    expect(await jailed.fakes[1]?.exited).toMatchObject({ signal: 'SIGKILL' });
  });
});

describe('a snapshot that names what is not in a jail', () => {
  it.each([
    [
      'another file',
      '/drives/own',
      { drive_id: 'own', path_on_host: '/base.ext4', is_root_device: false, is_read_only: false },
      'its drives are others',
    ],
    [
      'a further drive',
      '/drives/more',
      { drive_id: 'more', path_on_host: '/own.ext4', is_root_device: false, is_read_only: false },
      'its drives are others',
    ],
    [
      'a drive it may write to',
      '/drives/agent',
      { drive_id: 'agent', path_on_host: '/agent.ext4', is_root_device: false, is_read_only: false },
      'its drives are others',
    ],
    [
      'a further network',
      '/network-interfaces/eth1',
      { iface_id: 'eth1', host_dev_name: 'tap1' },
      'its network interfaces are others',
    ],
    ['memory of a file', '/pmem/more', { id: 'more', path_on_host: '/own.ext4' }, 'it has pmem'],
    [
      'memory to plug in',
      '/hotplug/memory',
      { total_size_mib: 1024, block_size_mib: 2, slot_size_mib: 128 },
      'it has memory-hotplug',
    ],
    ['a metadata service', '/mmds/config', { version: 'V2', network_interfaces: ['eth0'] }, 'it has mmds-config'],
  ] as const)('is not resumed: %s', async (_, path, body, reason) => {
    const startVmm = () => jailed.startVmm({ taps: [resources.tap, 'tap1'] });
    const requests = bootSequence(machinePlan, resources);
    const running = await bootVmm(
      {
        clock: systemClock,
        requests: [...requests.slice(0, -1), { method: 'PUT', path, body }, ...requests.slice(-1)],
        startVmm,
        ready: async () => {},
      },
      signal,
    );
    await hibernate(running);
    expect(await wake(1, { startVmm })).toEqual({
      kind: 'cold',
      reason: `The loaded machine is not the one that was saved: ${reason}.`,
    });
    expect(requestsOf(1).map((request) => request.path)).not.toContain('/vm');
    expect(await jailed.fakes[1]?.exited).toMatchObject({ signal: 'SIGKILL' });
  });
});
