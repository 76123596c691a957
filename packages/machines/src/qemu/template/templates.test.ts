import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { Secret, SallyportError, systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { MachinePlan } from '@sallyport/core/driver';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Ingredients } from '../ingredients.ts';
import { layoutIn } from '../layout.ts';
import type { QemuRecord } from '../machine-record.ts';
import { fileFacts } from '../../host/file-facts.ts';
import { hashFile } from '../../host/hashing/hash-file.ts';
import { openSnapshotDirectory } from '../snapshot/snapshot-directory.ts';
import { failedIn } from '../phases.ts';
import { findTemplateFacts, templateKey } from './facts.ts';
import type { TemplateFacts } from './facts.ts';
import { openShelf } from './shelf.ts';
import type { Shelf } from './shelf.ts';
import { createTemplates } from './templates.ts';
import type { FirstStart, Templates } from './templates.ts';

const { signal } = new AbortController();
/** What ends each deadline that is set now. */
const deadlines = new Set<() => void>();
/** Sleep takes no time, and deadlines come only when a test says so. */
const clock: Clock = {
  ...systemClock,
  sleep: async (_ms, until) => {
    await setImmediate();
    until?.throwIfAborted();
  },
  deadline: (_ms, reason, parent) => {
    const own = new AbortController();
    const expire = (): void => own.abort(reason());
    deadlines.add(expire);
    const clear = (): void => void deadlines.delete(expire);
    return { signal: parent ? AbortSignal.any([own.signal, parent]) : own.signal, clear, [Symbol.dispose]: clear };
  },
};
const snapshotKey = async (): Promise<Secret> => new Secret('key of this server');
const MEMORY = 'the memory of a machine that is nobody’s';

describe('templates of browser machines', () => {
  let folder: string;
  let program: string;
  let shelf: Shelf;
  let templates: Templates;
  let plan: MachinePlan;
  /** What happened, in order. */
  let seen: string[];
  /** What the kernel image is called. */
  let kernel: string;
  let making: () => Promise<void>;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sp-templates-'));
    program = join(folder, 'qemu');
    await writeFile(program, 'one version');
    await writeFile(join(folder, 'main.js'), 'an agent');
    shelf = openShelf(folder);
    seen = [];
    kernel = 'kernel-1';
    making = async () => {};
    plan = {
      machineId: 'm-one',
      userId: 'somebody',
      role: 'browser',
      memoryMb: 1536,
      vcpus: 1,
      diskMb: 64,
      labels: {},
      desktop: { width: 1280, height: 800 },
      agent: { directory: folder, entry: 'main.js', nodeArgs: [], node: '/node' },
      clis: [],
    };
    templates = createTemplates({
      program,
      snapshotKey,
      clock,
      log: (message) => void seen.push(`log: ${message}`),
      findIngredients: async () => ingredients(),
      workshop: {
        shelf,
        make: async (facts) => {
          seen.push('make');
          await making();
          await putTemplate(facts);
          seen.push('made');
        },
      },
    });
  });

  afterEach(async () => {
    await templates.close();
    await rm(folder, { recursive: true });
  });

  function ingredients(): Ingredients {
    const image = { name: 'browser-1' };
    const hardware = { accelerator: 'tcg', ownKernel: true, role: 'browser', memoryMb: 1536, vcpus: 1 } as const;
    return Object.assign({ kernel: { name: kernel }, image, hardware, clis: { inside: {}, onDrive: plan.clis } });
  }

  const factsNow = (certificateAuthority?: string): Promise<TemplateFacts> =>
    findTemplateFacts({ program, plan, certificateAuthority, ingredients: ingredients(), signal });

  async function putTemplate(facts: TemplateFacts): Promise<void> {
    const layout = shelf.unfinished(templateKey(facts));
    await mkdir(layout.root, { recursive: true });
    await writeFile(layout.disk, '');
    await truncate(layout.disk, 64 * 1024 * 1024);
    await writeFile(layout.agentDrive, 'an agent drive');
    const snapshot = openSnapshotDirectory(layout.snapshot, 'm-template', snapshotKey);
    {
      await using file = await snapshot.begin();
      await file.writeFile(MEMORY);
    }
    const state = { bytes: Buffer.byteLength(MEMORY), sha256: '00' };
    const agentDrive = await hashFile(layout.agentDrive);
    const named = { qemu: '7.2.22', hardware: 'abc', host: 'emulated', kernel, image: 'browser-1', plan: 'def' };
    const others = { ...named, agentDrive };
    const disk = await fileFacts(layout.disk);
    await snapshot.commit({ spec: 1, facts: { machineId: 'm-template', ...others, disk }, state });
    await shelf.add(facts);
  }

  /** Starts a new machine, and returns what it had when it went on, if it did. */
  async function start(machineId: string, changed: Partial<Omit<FirstStart, 'record'>> & Partial<QemuRecord> = {}) {
    const layout = layoutIn(join(folder, machineId));
    await mkdir(layout.root, { recursive: true });
    const egress = { socketPath: '/egress', close: async () => {} };
    let memory: string | undefined;
    await templates.start({
      record: { plan: { ...plan, machineId, ...changed.plan }, image: 'browser-1' },
      layout,
      options: { epoch: 1, token: new Secret('token'), egress, signal },
      signal,
      boot: async () => void seen.push(`boot ${machineId}`),
      wake: async ({ manifest, state }) => {
        seen.push(`wake ${machineId}`);
        memory = await state.readFile('utf8');
        expect(manifest.facts).toMatchObject({ machineId, disk: await fileFacts(layout.disk) });
        expect(await readFile(layout.agentDrive, 'utf8')).toBe('an agent drive');
      },
      ...changed,
    });
    return memory;
  }

  const made = (): Promise<void> => expect.poll(() => seen).toContain('made');

  it('are made after a machine had to boot, and each machine after that goes on from a copy', async () => {
    expect(await start('m-one')).toBeUndefined();
    await made();
    expect(await Promise.all([start('m-two'), start('m-three')])).toEqual([MEMORY, MEMORY]);
    expect(await start('m-four')).toBe(MEMORY);
    expect(seen.slice(0, 3)).toEqual(['boot m-one', 'make', 'made']);
    expect(seen.slice(3).toSorted()).toEqual(['wake m-four', 'wake m-three', 'wake m-two']);
    // Holes stay holes.
    expect((await stat(layoutIn(join(folder, 'm-two')).disk)).blocks).toBeLessThan(100);
  });

  it('are for the server alone', async () => {
    await putTemplate(await factsNow());
    const [template] = await shelf.list();
    const { root, disk, agentDrive, snapshot } = template?.layout ?? layoutIn('/');
    expect((await stat(root)).mode & 0o777).toBe(0o700);
    expect((await stat(snapshot)).mode & 0o777).toBe(0o700);
    expect((await readdir(root)).toSorted()).toEqual(['agent.ext4', 'disk.ext4', 'snapshot', 'template.json']);
    expect((await stat(disk)).ino).not.toBe((await stat(agentDrive)).ino);
  });

  it('are for machines with a desktop', async () => {
    await putTemplate(await factsNow());
    const { desktop: _, ...plain } = plan;
    await templates.start({
      record: { plan: plain, image: 'browser-1' },
      layout: layoutIn(folder),
      options: {
        epoch: 1,
        token: new Secret('token'),
        egress: { socketPath: '/egress', close: async () => {} },
        signal,
      },
      signal,
      boot: async () => void seen.push('boot'),
      wake: async () => void seen.push('wake'),
    });
    expect(seen).toEqual(['boot']);
  });

  it('are others where anything they depend on is another', async () => {
    const keys = new Set([templateKey(await factsNow())]);
    const facts = await factsNow();
    for (const name of ['program', 'host', 'kernel', 'image', 'agent', 'hardware', 'plan'] as const) {
      keys.add(templateKey({ ...facts, [name]: 'other' }));
    }
    expect(keys.size).toBe(8);
    expect(templateKey(await factsNow('an authority'))).not.toBe(templateKey(facts));
    await utimes(program, 1, 1);
    expect((await factsNow()).program).not.toBe(facts.program);
    await writeFile(join(folder, 'main.js'), 'another agent');
    expect((await factsNow()).agent).not.toBe(facts.agent);
    for (const other of [
      { diskMb: 128 },
      { desktop: { width: 800, height: 600 } },
      { clis: [{ provider: 'codex', directory: '/codex' }] },
    ]) {
      plan = { ...plan, ...other };
      expect((await factsNow()).plan).not.toBe(facts.plan);
    }
    // Who it is for, and what it is called, plays no part.
    const before = await factsNow();
    plan = { ...plan, machineId: 'm-other', userId: 'another user', labels: { some: 'label' } };
    expect(await factsNow()).toEqual(before);
  });

  it.each([
    ['memory is gone', (at: string) => rm(layoutIn(at).snapshot, { recursive: true })],
    ['memory was cut off', (at: string) => truncate(join(layoutIn(at).snapshot, 'state'), 3)],
    ['disk was written to', (at: string) => writeFile(layoutIn(at).disk, 'hostile')],
    ['agent drive is gone', (at: string) => rm(layoutIn(at).agentDrive)],
  ])('are removed when their %s, and the machine boots from an empty disk', async (_what, damage) => {
    await putTemplate(await factsNow());
    const [template] = await shelf.list();
    await damage(template?.layout.root ?? '');
    expect(await start('m-one')).toBeUndefined();
    expect(seen).toEqual([expect.stringContaining('log: A browser machine boots'), 'boot m-one', ...seen.slice(2)]);
    expect((await stat(layoutIn(join(folder, 'm-one')).disk)).size).toBe(64 * 1024 * 1024);
    await made();
    expect(await start('m-two')).toBe(MEMORY);
  });

  const wakeFailed = (phase: 'create' | 'wake' | 'ready', message: string, killedBy?: string) => () =>
    Promise.reject(
      failedIn(phase, 'm-one', '', new SallyportError('MACHINE_FAILED', message, { details: { signal: killedBy } })),
    );

  it.each(['wake', 'ready'] as const)('are removed when QEMU or the guest refuses them (%s)', async (phase) => {
    await putTemplate(await factsNow());
    await start('m-one', { wake: wakeFailed(phase, 'QEMU does not like it.') });
    expect(seen.slice(0, 2)).toEqual([expect.stringMatching(/is removed: .*QEMU does not like it\./), 'boot m-one']);
    await made();
  });

  /** Wakes until the deadline for that has passed. */
  const tooSlow: FirstStart['wake'] = async (_taken, until) => {
    for (const expire of deadlines) expire();
    until.throwIfAborted();
  };

  it.each([
    ['a machine woke too slowly', tooSlow, 'did not wake in 60 s'],
    ['QEMU was killed', wakeFailed('wake', 'QEMU ended with SIGKILL.', 'SIGKILL'), 'SIGKILL'],
    ['QEMU could not be started', wakeFailed('create', 'There is no address.'), 'no address'],
    ['something else failed', () => Promise.reject(new Error('ENOSPC')), 'ENOSPC'],
  ])('stay when %s: that machine boots from an empty disk, and the next one goes on', async (_what, wake, said) => {
    await putTemplate(await factsNow());
    for (let round = 0; round < 4; round += 1) {
      seen = [];
      await start('m-one', { wake });
      expect(seen).toEqual([expect.stringMatching(`did not go on from its template: .*${said}`), 'boot m-one']);
      expect((await stat(layoutIn(join(folder, 'm-one')).disk)).size).toBe(64 * 1024 * 1024);
      expect(await start('m-two')).toBe(MEMORY);
    }
  });

  it('are removed when no machine wakes from them three times in a row', async () => {
    await putTemplate(await factsNow());
    for (const machineId of ['m-one', 'm-two']) await start(machineId, { wake: tooSlow });
    expect(await shelf.list()).toHaveLength(1);
    await start('m-three', { wake: tooSlow });
    expect(seen.slice(-2)).toEqual([expect.stringContaining('is removed'), 'boot m-three']);
    await made();
  });

  it('stay where the start was called off', async () => {
    await putTemplate(await factsNow());
    const called = new AbortController();
    const wake = async (): Promise<void> => {
      called.abort(new Error('called off'));
      throw new Error('ended');
    };
    await expect(start('m-one', { wake, signal: called.signal })).rejects.toThrow('called off');
    expect(seen).toEqual([]);
    expect(await shelf.list()).toHaveLength(1);
  });

  it('are made one at a time, when nothing starts', async () => {
    const first = Promise.withResolvers<void>();
    const slow = start('m-slow', { boot: () => first.promise });
    await Promise.all([start('m-one'), start('m-two')]);
    expect(seen.toSorted()).toEqual(['boot m-one', 'boot m-two']);
    first.resolve();
    await slow;
    await made();
    expect(seen.filter((what) => what === 'make')).toHaveLength(1);
  });

  it('are made in room to spare: once there is some, and again if a user needed it meanwhile', async () => {
    const asked: unknown[] = [];
    const full = new SallyportError('MACHINE_CAPACITY', 'This host has no room to spare.');
    templates.lendSpareRoom(async ({ memoryMb, vcpus, signal: until, do: work }) => {
      asked.push({ memoryMb, vcpus });
      if (asked.length < 3) throw full;
      if (asked.length > 3) return work(until);
      await work(until);
      await shelf.remove(templateKey(await factsNow()));
      throw full;
    });
    await start('m-one');
    await expect.poll(() => seen.filter((what) => what === 'made')).toHaveLength(2);
    expect(asked).toEqual(Array.from({ length: 4 }, () => ({ memoryMb: 1536, vcpus: 1 })));
    expect(seen.some((what) => what.startsWith('log'))).toBe(false);
  });

  it('are given up when the driver is closed meanwhile, and that is not a problem', async () => {
    making = () => Promise.reject(new Error('called off'));
    await start('m-one');
    await templates.close();
    expect(seen.some((what) => what.startsWith('log'))).toBe(false);
    expect(await shelf.list()).toEqual([]);
  });

  it('say why none was made', async () => {
    making = () => Promise.reject(new Error('The host is full.'));
    await start('m-one');
    await expect.poll(() => seen).toContain('log: No template of browser machines was made: The host is full.');
  });

  it('of an older version go when a new one is made, and of the others the three used last stay', async () => {
    const facts = await factsNow();
    await putTemplate({ ...facts, agent: 'older' });
    for (const [index, other] of ['a', 'b', 'c'].entries()) {
      await putTemplate({ ...facts, plan: other });
      await shelf.touch(templateKey({ ...facts, plan: other }), (index + 1) * 1000);
    }
    await start('m-one');
    await made();
    await expect
      .poll(async () => (await shelf.list()).map((one) => one.facts.plan).toSorted())
      .toEqual(['b', 'c', facts.plan].toSorted());
  });

  it('of another QEMU, kernel or image go at the start', async () => {
    const facts = await factsNow();
    const others = [{}, { program: 'older' }, { kernel: 'older' }, { image: 'older' }];
    for (const other of others) await putTemplate({ ...facts, ...other });
    const removed = await templates.drain({ kernel, image: 'browser-1' });
    expect(removed).toHaveLength(3);
    expect((await shelf.list()).map((one) => one.facts)).toEqual([facts]);
    expect(await templates.drain({ kernel, image: 'browser-1' })).toEqual([]);
  });

  it('that a server was making when it died are seen, and never taken for whole', async () => {
    const facts = await factsNow();
    const { root } = shelf.unfinished(templateKey(facts));
    await mkdir(root, { recursive: true });
    expect(await shelf.find(templateKey(facts))).toBeUndefined();
    expect(await shelf.list()).toEqual([]);
    expect((await shelf.leftovers()).map((one) => one.root)).toEqual([root]);
  });
});
