import { SallyportError, systemClock } from '@sallyport/core';
import { createMemoryRollbackGuard } from '@sallyport/core/key-ring';
import type { PromptEvent } from '@sallyport/core';
import type { PlacedFile } from '@sallyport/core/driver';
import type { RollbackGuard } from '@sallyport/core/key-ring';
import type { CredentialFacts, Provider } from '@sallyport/core/provider';
import type { Store } from '@sallyport/core/store';
import { createFakeDriver } from '@sallyport/testkit';
import type { FakeDriver } from '@sallyport/testkit';
import { checkProperty } from '@sallyport/testkit';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createRestorableDatabase } from './restorable-store.ts';
import type { Database } from './restorable-store.ts';
import { createRotatingVendor } from './rotating-vendor.ts';
import type { RotatingVendor } from './rotating-vendor.ts';
import { createWorld, runPrompt, until, userId } from './world.ts';
import type { World } from './world.ts';

/** What outlives a server: its database, its host with the machines, what it remembers, and the vendor. */
interface Drill {
  readonly vendor: RotatingVendor;
  readonly database: Database;
  readonly fake: FakeDriver;
  readonly rollbackGuard: RollbackGuard;
  readonly host: string;
  /** Which clock the CLI dates its credentials by. */
  readonly supersedes: NonNullable<Provider['supersedes']>;
  /** The server that runs now. */
  world: World;
  store: Store;
  away: Set<string>;
  cut(): void;
}

async function begin(
  former: Partial<Pick<Drill, 'vendor' | 'database' | 'rollbackGuard' | 'supersedes'>> = {},
): Promise<Drill> {
  const lasting = {
    supersedes: clocks.right,
    vendor: createRotatingVendor(),
    database: createRestorableDatabase(systemClock),
    rollbackGuard: createMemoryRollbackGuard(),
    ...former,
  };
  const fake = createFakeDriver();
  const host = former.database ? 'other' : 'first';
  const connection = lasting.database.connect();
  const { store } = connection;
  const drill = { ...lasting, fake, host, ...connection, world: createWorld({ ...lasting, fake, host, store }) };
  drill.vendor.serve(drill.world);
  await drill.world.app.start();
  return drill;
}

async function startServer(drill: Drill): Promise<void> {
  Object.assign(drill, drill.database.connect());
  drill.world = createWorld(drill);
  drill.vendor.serve(drill.world);
  await drill.world.app.start();
}

/** As by `kill -9`, and its machines with it: nothing it does from now on reaches the database. */
async function killServer(drill: Drill): Promise<void> {
  drill.cut();
  for (const machine of drill.fake.machines) machine.crash({ signal: 'SIGKILL' });
  await drill.world.app.close();
}

async function logIn({ world, vendor }: Drill): Promise<void> {
  const login = { userId, externalId: null, provider: 'fake', files: vendor.logIn() };
  await world.app.credentials.import(login).catch(async (error: unknown) => {
    if (!SallyportError.isInstance(error) || error.code !== 'CREDENTIAL_STALE') throw error;
    // A user's file that is dated before a login that works is refused until that is disconnected.
    await world.app.credentials.disconnect(userId, 'fake');
    await world.app.credentials.import(login);
  });
}

/** How a prompt ended; `undefined` where none was taken, because the user has to log in again. */
async function ask({ world }: Drill): Promise<PromptEvent | undefined> {
  try {
    return (await runPrompt(world)).at(-1);
  } catch (error) {
    const isOver = SallyportError.isInstance(error) && /^CREDENTIAL_(INVALID|NOT_CONNECTED)$/.test(error.code);
    if (isOver) return undefined;
    throw error;
  }
}

async function askUnseen(drill: Drill): Promise<PromptEvent | undefined> {
  drill.vendor.unseen = true;
  const end = await ask(drill);
  drill.vendor.unseen = false;
  return end;
}

/** A prompt whose rotation has reached the database. */
async function askStored(drill: Drill): Promise<void> {
  expect(await ask(drill)).toEqual(worked);
  await until(async () => (await stateOf(drill)).issuedAt === drill.vendor.newest, 'the rotation is stored');
}

async function rest(drill: Drill): Promise<void> {
  await drill.world.clock.advance(6 * 60_000);
  await until(async () => (await drill.store.machines.list()).every(({ state }) => state !== 'running'));
}

const stateOf = async ({ store }: Drill) => {
  const credential = await store.credentials.current(userId, 'fake');
  return { valid: credential?.valid, reason: credential?.invalidReason, issuedAt: credential?.facts.issuedAt };
};

const cli = ({ fake }: Drill) => fake.newest('cli');
const hasMachine = ({ fake }: Drill): boolean => fake.machines.some(({ plan }) => plan.role === 'cli');
const backUpDisk = (drill: Drill): readonly PlacedFile[] => [...cli(drill).home('fake').values()];
function restoreDisk(drill: Drill, files: readonly PlacedFile[]): void {
  cli(drill).home('fake').clear();
  for (const file of files) cli(drill).home('fake').set(file.path, file);
}

const worked = { type: 'prompt-end', outcome: 'completed' };
const refused = { type: 'prompt-end', outcome: 'relogin-needed', code: 'CREDENTIAL_INVALID' };

/** The user is told once, no prompt is taken any more, and a new login works. */
async function expectLoginNeeded(drill: Drill, reason: string): Promise<void> {
  expect(await stateOf(drill)).toMatchObject({ valid: false, reason });
  expect(await ask(drill)).toBeUndefined();
  expect(drill.world.events.filter(({ type }) => type === 'credential.invalid')).toMatchObject([{ reason }]);
  await logIn(drill);
  expect(await ask(drill)).toEqual(worked);
}

const issuedAt = (facts: CredentialFacts): number => facts.issuedAt ?? 0;

/** The clock of a machine may be hours from the one that dated the stored version. */
const clocks = {
  right: (next, old) => issuedAt(next) >= issuedAt(old),
  'running backward': (next, old) => issuedAt(next) < issuedAt(old),
} satisfies Record<string, Provider['supersedes']>;

async function drillOf(run: (drill: Drill) => Promise<void>, supersedes = clocks.right): Promise<void> {
  const drill = await begin({ supersedes });
  await logIn(drill);
  await run(drill);
  expect(drill.vendor.replayed).toEqual([]);
  await drill.world.app.close();
  expect(await drill.world.leftovers()).toEqual([]);
}

describe('the rotation drill', () => {
  it('survives a machine that is killed between a refresh and its write-back', () =>
    drillOf(async (drill) => {
      expect(await askUnseen(drill)).toEqual(worked);
      cli(drill).crash({ signal: 'SIGKILL' });
      expect(await ask(drill)).toEqual(worked);
    }));

  it.each(Object.keys(clocks))('stores what a machine refreshed whose clock is %s', (kind) =>
    drillOf(
      async (drill) => {
        await askStored(drill);
        await askStored(drill);
        await askUnseen(drill);
        await rest(drill);
        expect(await stateOf(drill)).toEqual({ valid: true, reason: null, issuedAt: drill.vendor.newest });
        expect(await ask(drill)).toEqual(worked);
      },
      new Map(Object.entries(clocks)).get(kind),
    ),
  );

  it('survives a server that is killed between a refresh and its write-back', () =>
    drillOf(async (drill) => {
      expect(await askUnseen(drill)).toEqual(worked);
      await killServer(drill);
      await startServer(drill);
      expect(await stateOf(drill)).toEqual({ valid: true, reason: null, issuedAt: drill.vendor.newest });
      expect(await ask(drill)).toEqual(worked);
    }));

  it('tells the user to log in again where a machine is lost that may have refreshed', () =>
    drillOf(async (drill) => {
      await askUnseen(drill);
      cli(drill).lose();
      expect(await ask(drill)).toMatchObject(refused);
      await expectLoginNeeded(drill, 'lost');
    }));

  it('tells so at the start of a server whose machine is gone', () =>
    drillOf(async (drill) => {
      await askUnseen(drill);
      await killServer(drill);
      cli(drill).lose();
      await startServer(drill);
      expect(drill.world.events).toContainEqual(
        expect.objectContaining({ type: 'credential.invalid', reason: 'lost' }),
      );
      expect(await ask(drill)).toBeUndefined();
    }));

  it('goes on with the stored version where a machine is lost that was at rest', () =>
    drillOf(async (drill) => {
      await ask(drill);
      await rest(drill);
      cli(drill).lose();
      expect(await ask(drill)).toEqual(worked);
      expect(drill.fake.machines.length).toBe(2);
    }));

  it('keeps a login whose first machine did not start because the store was away', () =>
    drillOf(async (drill) => {
      // What was put on its disk is not noted, nor is that it is gone.
      drill.away.add('machines.update').add('users.setMachine');
      expect(await ask(drill)).toMatchObject({ outcome: 'failed', code: 'STORE_UNAVAILABLE' });
      drill.away.clear();
      expect(await ask(drill)).toEqual(worked);
    }));

  it('destroys no machine while the store cannot take what it refreshed', () =>
    drillOf(async (drill) => {
      await askUnseen(drill);
      const { id } = cli(drill).machine;
      drill.away.add('credentials.append');
      await expect(drill.world.app.machines.destroy(userId, id)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      drill.away.clear();
      await drill.world.app.machines.destroy(userId, id);
      expect(await stateOf(drill)).toEqual({ valid: true, reason: null, issuedAt: drill.vendor.newest });
      expect(await ask(drill)).toEqual(worked);
    }));

  it('takes a login up again when the machine that was lost comes back', () =>
    drillOf(async (drill) => {
      await askUnseen(drill);
      await killServer(drill);
      const list = drill.fake.driver.list.bind(drill.fake.driver);
      drill.fake.driver.list = async () => [];
      await startServer(drill);
      expect(await stateOf(drill)).toMatchObject({ valid: false, reason: 'lost' });
      await killServer(drill);
      drill.fake.driver.list = list;
      await startServer(drill);
      expect(await stateOf(drill)).toEqual({ valid: true, reason: null, issuedAt: drill.vendor.newest });
      expect(await ask(drill)).toEqual(worked);
    }));

  it('lets one host have a login, and the other when the first has given it back', () =>
    drillOf(async (drill) => {
      await askStored(drill);
      const other = await begin(drill);
      const first = cli(drill).machine.id;
      expect(await ask(other)).toMatchObject({ outcome: 'failed', code: 'CREDENTIAL_LEASED' });
      await drill.store.users.setMachine(userId, first);
      await askStored(drill);
      await rest(drill);
      expect(await ask(other)).toEqual(worked);
      // Its own machine has the version from before, and finds the lease taken.
      await drill.store.users.setMachine(userId, first);
      expect(await ask(drill)).toMatchObject({ outcome: 'failed', code: 'CREDENTIAL_LEASED' });
      expect(cli(drill).home('fake').size).toBe(0);
      await other.world.app.close();
      expect(await ask(drill)).toEqual(worked);
    }));

  it('reads the newest version off the disk after an old backup of the database was restored', () =>
    drillOf(async (drill) => {
      await askStored(drill);
      await rest(drill);
      const backup = drill.database.backup();
      await askStored(drill);
      await askStored(drill);
      await killServer(drill);
      await drill.database.restore(backup);
      await startServer(drill);
      await until(async () => (await stateOf(drill)).issuedAt === drill.vendor.newest);
      expect(await stateOf(drill)).toMatchObject({ valid: true });
      expect(await ask(drill)).toEqual(worked);
    }));

  it('tells the user to log in again after a backup was restored and the machine is gone', () =>
    drillOf(async (drill) => {
      await askStored(drill);
      await rest(drill);
      const backup = drill.database.backup();
      await askStored(drill);
      await killServer(drill);
      cli(drill).lose();
      await drill.database.restore(backup);
      await startServer(drill);
      await expectLoginNeeded(drill, 'rolled-back');
    }));

  it('gives a login up that was leased after the backup to a machine the database knows nothing of', () =>
    drillOf(async (drill) => {
      const backup = drill.database.backup();
      await askUnseen(drill);
      await killServer(drill);
      await drill.database.restore(backup);
      await startServer(drill);
      expect(await ask(drill)).toMatchObject(refused);
      await expectLoginNeeded(drill, 'lost');
    }));

  it('does not bring a login back that was disconnected after the backup', () =>
    drillOf(async (drill) => {
      const backup = drill.database.backup();
      await drill.world.app.credentials.disconnect(userId, 'fake');
      await killServer(drill);
      await drill.database.restore(backup);
      await startServer(drill);
      expect(await ask(drill)).toMatchObject(refused);
      await expectLoginNeeded(drill, 'rolled-back');
    }));

  it('does not use what lies on a disk that was put back to an earlier time', () =>
    drillOf(async (drill) => {
      await ask(drill);
      const old = backUpDisk(drill);
      await askStored(drill);
      await rest(drill);
      restoreDisk(drill, old);
      expect(await ask(drill)).toEqual(worked);
    }));

  it('asks the vendor once more where the running disk that refreshed unseen was put back to an earlier time', async () => {
    const drill = await begin({ supersedes: clocks.right });
    await logIn(drill);
    await ask(drill);
    const old = backUpDisk(drill);
    await askStored(drill);
    await askUnseen(drill);
    cli(drill).crash({ signal: 'SIGKILL' });
    restoreDisk(drill, old);
    // The disk is the one that the machine ran with: its CLI may as well have put an older file back.
    expect(await ask(drill)).toMatchObject(refused);
    expect(drill.vendor.replayed).toHaveLength(1);
    await expectLoginNeeded(drill, 'refused');
    await drill.world.app.close();
  });

  it('gives the login up where the disk was put back to the stored version, after it refreshed unseen', () =>
    drillOf(async (drill) => {
      await askStored(drill);
      await rest(drill);
      const asStored = backUpDisk(drill);
      await askUnseen(drill);
      cli(drill).crash({ signal: 'SIGKILL' });
      restoreDisk(drill, asStored);
      expect(await ask(drill)).toMatchObject(refused);
      expect(await stateOf(drill)).toMatchObject({ valid: false, reason: 'lost' });
    }));

  it('gives the login up where the disk was put back to a version that was refreshed unseen, and refreshed again', () =>
    drillOf(async (drill) => {
      await askStored(drill);
      await rest(drill);
      await askUnseen(drill);
      const unseen = backUpDisk(drill);
      await askStored(drill);
      await rest(drill);
      await askUnseen(drill);
      cli(drill).crash({ signal: 'SIGKILL' });
      restoreDisk(drill, unseen);
      expect(await ask(drill)).toMatchObject(refused);
    }));

  it.each([
    ['right', 200],
    ['running backward', 60],
  ] as const)(
    'presents no token a second time in whatever order things go wrong, by a clock that is %s',
    async (clock, runs) => {
      const accidents: Record<string, (drill: Drill, kept: Kept) => Promise<unknown> | void> = {
        ask,
        'ask unseen': askUnseen,
        rest: async (drill) => {
          await drill.world.clock.advance(6 * 60_000);
          await until(() => drill.fake.machines.every(({ running }) => !running));
        },
        'crash the machine': (drill) => {
          if (hasMachine(drill)) cli(drill).crash({ signal: 'SIGKILL' });
        },
        'lose the machine': (drill) => {
          if (hasMachine(drill)) cli(drill).lose();
        },
        'kill the server': async (drill) => {
          await killServer(drill);
          await startServer(drill);
        },
        'destroy the machine': async (drill) => {
          const machineId = (await drill.store.users.get(userId))?.machineId;
          if (machineId) await drill.world.app.machines.destroy(userId, machineId);
        },
        'back up the database': (drill, kept) => {
          kept.backup = drill.database.backup();
        },
        'restore the database': async (drill, { backup }) => {
          if (backup === undefined) return;
          await killServer(drill);
          await drill.database.restore(backup);
          await startServer(drill);
        },
        'back up the disk': (drill, kept) => {
          // Of a machine that is off: a copy made while it runs may be of the very moment before a refresh.
          if (hasMachine(drill) && !cli(drill).running) kept.disk = backUpDisk(drill);
        },
        'restore the disk': async (drill, { disk }) => {
          if (!disk || !hasMachine(drill)) return;
          cli(drill).crash({ signal: 'SIGKILL' });
          restoreDisk(drill, disk);
        },
        'log in': logIn,
      };
      const order = fc.array(fc.constantFrom(...Object.keys(accidents)), { minLength: 3, maxLength: 14 });
      await checkProperty(
        fc.asyncProperty(order, (sequence) =>
          drillOf(async (drill) => {
            const kept: Kept = {};
            for (const accident of sequence) {
              await accidents[accident]?.(drill, kept);
              expect(drill.vendor.replayed).toEqual([]);
            }
            await logIn(drill);
            expect(await ask(drill)).toEqual(worked);
          }, clocks[clock]),
        ),
        { runs },
      );
    },
  );
});

/** Copies made on the way. */
interface Kept {
  backup?: number;
  disk?: readonly PlacedFile[];
}
