import type { Machine, MachineDriver, MachinePlan, MachineRole, StartOptions } from '@sallyport/core/driver';
import type { EgressRoute } from '@sallyport/core/egress';
import { Secret } from '@sallyport/core';

import { testHibernation } from './driver-suite/hibernation.ts';
import { testHomes } from './driver-suite/homes.ts';
import type { ClisUnderTest } from './driver-suite/homes.ts';
import { requestHealth } from './driver-suite/request-health.ts';
import type { TestRunner } from './runner.ts';

/** A driver to be tested, with what only its author knows. */
export interface DriverUnderTest {
  readonly driver: MachineDriver;
  /** A plan for a new machine each time, with an agent that answers `GET /health` of the agent's API. */
  readonly plan: (role: MachineRole) => MachinePlan;
  /** A egress for the machine; it may lead nowhere. */
  readonly egress: EgressRoute;
  /** How CLIs run in its machines. Absent only if {@link DriverSuiteOptions.runsClis} says why. */
  readonly clis?: ClisUnderTest;
  /** Another driver on the same host data, as after a restart of the server. The first one is not used again. */
  restart(): Promise<MachineDriver>;
  cleanUp(): Promise<void>;
}

export interface DriverSuiteOptions {
  /** For each test, of which some start three machines. Only ends what hangs. Default five minutes. */
  readonly timeoutMs?: number;
  /** Machines can hibernate. Otherwise why not, which the report shows; a driver that says it can is caught then. */
  readonly hibernates?: true | string;
  /** CLIs run in its machines. Otherwise why not, which the report shows. Default true. */
  readonly runsClis?: true | string;
}

const TIMEOUT_MS = 5 * 60_000;
/** Characters of a console. What a machine prints must not fill the memory of the server. */
const MOST_CONSOLE = 256 * 1024;
const never = new AbortController().signal;
const provider = 'codex';
const otherProvider = 'claude_code';
const credential = { path: '~/.config/fake/credential.json', content: '{"token":"disk"}', mode: 0o600 };

/**
 * What every machine driver has to do. Each test gets a new driver from `create`.
 *
 * @example
 * describeDriver('mine', createMyDriver, { describe, it, expect });
 */
export function describeDriver(
  name: string,
  create: () => Promise<DriverUnderTest>,
  runner: TestRunner,
  {
    timeoutMs = TIMEOUT_MS,
    hibernates = 'its author has not said that it can',
    runsClis = true,
  }: DriverSuiteOptions = {},
): void {
  const { expect } = runner;
  const stopOptions = { deadlineMs: timeoutMs / 12 };
  const startOptions = (subject: DriverUnderTest): StartOptions => firstStart(subject, timeoutMs);

  /** Every test cleans up after itself, also when it fails. */
  function test(title: string, body: (subject: DriverUnderTest) => Promise<void>): void {
    const run = async (): Promise<void> => {
      const subject = await create();
      try {
        await body(subject);
      } finally {
        for (const ref of await subject.driver.list()) {
          await (await subject.driver.adopt(ref))?.destroy();
        }
        await subject.cleanUp();
      }
    };
    runner.it(title, run, timeoutMs);
  }

  const made = (subject: DriverUnderTest): Promise<Machine> =>
    subject.driver.create(subject.plan('cli'), { signal: never });

  runner.describe(`the machine driver ${name}`, () => {
    test('makes a machine that does not run yet, starts it, and reaches its agent', async (subject) => {
      const machine = await made(subject);
      expect(await subject.driver.list()).toEqual([{ machineId: machine.id, role: 'cli', running: false }]);
      const options = startOptions(subject);
      await machine.start(options);
      expect(await subject.driver.list()).toEqual([{ machineId: machine.id, role: 'cli', running: true }]);
      expect(await requestHealth(machine, options.token)).toMatchObject({ status: 'ok' });
      await expect(requestHealth(machine, new Secret('not-the-token-of-this-boot-000000000000'))).rejects.toMatchObject(
        {},
      );
    });

    test('takes several connections at once', async (subject) => {
      const machine = await made(subject);
      const options = startOptions(subject);
      await machine.start(options);
      const answers = await Promise.all([1, 2, 3, 4].map(() => requestHealth(machine, options.token)));
      expect(answers.length).toBe(4);
    });

    test('stops, says so, and starts again with the same disk', async (subject) => {
      const machine = await made(subject);
      await machine.disk.inject(provider, [credential]);
      await machine.start(startOptions(subject));
      const { exited } = machine;
      await machine.stop(stopOptions);
      await machine.stop(stopOptions);
      const { console } = await exited;
      expect(console.length <= MOST_CONSOLE, 'the console is bounded').toBe(true);
      expect(console.includes(startOptions(subject).token.reveal()), 'the console tells the token').toBe(false);
      expect((await subject.driver.list())[0]?.running).toBe(false);
      await expect(machine.connect(8080, { signal: never })).rejects.toMatchObject({});
      const options = { ...startOptions(subject), epoch: 2 };
      await machine.start(options);
      expect(await requestHealth(machine, options.token)).toMatchObject({ status: 'ok' });
      await machine.stop(stopOptions);
      expect(await machine.disk.harvest(provider, [credential.path])).toEqual([credential]);
    });

    test('destroys without leaving anything, running or not, more than once', async (subject) => {
      const [running, stopped] = [await made(subject), await made(subject)];
      await running.start(startOptions(subject));
      for (const machine of [running, stopped, running]) {
        await machine.destroy();
      }
      expect(await subject.driver.list()).toEqual([]);
      expect(await subject.driver.adopt({ machineId: running.id, role: 'cli', running: false })).toBeUndefined();
    });

    test('writes, reads and removes files of a stopped disk, and leaves absent ones out', async (subject) => {
      const { disk } = await made(subject);
      await disk.inject(provider, [credential]);
      await disk.inject(provider, [{ ...credential, content: 'newer' }]);
      expect(await disk.harvest(provider, [credential.path, '~/absent'])).toEqual([
        { ...credential, content: 'newer' },
      ]);
      await disk.remove(provider, [credential.path, '~/absent']);
      expect(await disk.harvest(provider, [credential.path])).toEqual([]);
    });

    test('refuses the disk of a running machine, and paths outside the home', async (subject) => {
      const machine = await made(subject);
      await expect(machine.disk.harvest(provider, ['~/../escape'])).rejects.toMatchObject({
        code: 'MACHINE_DISK_UNSAFE',
      });
      await machine.start(startOptions(subject));
      for (const use of [
        () => machine.disk.inject(provider, [credential]),
        () => machine.disk.harvest(provider, [credential.path]),
        () => machine.disk.remove(provider, [credential.path]),
      ]) {
        await expect(use()).rejects.toMatchObject({ code: 'MACHINE_BUSY' });
      }
    });

    test('keeps the disks of two machines apart', async (subject) => {
      const [first, second] = [await made(subject), await made(subject)];
      await first.disk.inject(provider, [credential]);
      expect(await second.disk.harvest(provider, [credential.path])).toEqual([]);
      await second.destroy();
      expect(await first.disk.harvest(provider, [credential.path])).toEqual([credential]);
    });

    test('keeps the homes of two providers apart', async (subject) => {
      const { disk } = await made(subject);
      await disk.inject(provider, [credential]);
      expect(await disk.harvest(otherProvider, [credential.path])).toEqual([]);
      await disk.inject(otherProvider, [{ ...credential, content: 'of the other' }]);
      await disk.remove(otherProvider, [credential.path]);
      expect(await disk.harvest(provider, [credential.path])).toEqual([credential]);
      await expect(disk.harvest('../home', [credential.path])).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
    });

    test('gives up when the signal says so, and can be asked again', async (subject) => {
      const aborted = AbortSignal.abort(new Error('changed my mind'));
      const rejected = { message: 'changed my mind' };
      await expect(subject.driver.create(subject.plan('cli'), { signal: aborted })).rejects.toMatchObject(rejected);
      expect(await subject.driver.list()).toEqual([]);
      const machine = await made(subject);
      await expect(machine.start({ ...startOptions(subject), signal: aborted })).rejects.toMatchObject(rejected);
      expect((await subject.driver.list())[0]?.running).toBe(false);
      await machine.start(startOptions(subject));
      await expect(machine.connect(8080, { signal: aborted })).rejects.toMatchObject(rejected);
    });

    test('ends a start that is given up while it boots, and starts again', async (subject) => {
      const machine = await made(subject);
      const late = new AbortController();
      const starting = machine.start({ ...startOptions(subject), signal: late.signal });
      late.abort(new Error('it took too long'));
      await expect(starting).rejects.toMatchObject({});
      expect((await subject.driver.list())[0]?.running).toBe(false);
      const options = { ...startOptions(subject), epoch: 2 };
      await machine.start(options);
      expect(await requestHealth(machine, options.token)).toMatchObject({ status: 'ok' });
    });

    test('is closed, and leaves its machines to the driver that comes after it', async (subject) => {
      const machine = await made(subject);
      await machine.disk.inject(provider, [credential]);
      await machine.start(startOptions(subject));
      await machine.stop(stopOptions);
      await subject.driver.close?.();
      const next = await subject.restart();
      const [ref] = await next.list();
      const adopted = ref && (await next.adopt(ref));
      expect(await adopted?.disk.harvest(provider, [credential.path])).toEqual([credential]);
      await adopted?.destroy();
    });

    test('finds its machines again after a restart of the server', async (subject) => {
      const machine = await made(subject);
      await machine.disk.inject(provider, [credential]);
      const next = await subject.restart();
      const [ref] = await next.list();
      expect(ref).toEqual({ machineId: machine.id, role: 'cli', running: false });
      const adopted = ref && (await next.adopt(ref));
      expect(await adopted?.disk.harvest(provider, [credential.path])).toEqual([credential]);
      await adopted?.destroy();
      expect(await next.list()).toEqual([]);
    });

    testHomes(test, runner, { timeoutMs, runsClis });
    testHibernation(test, runner, { timeoutMs, hibernates });

    test('has a fix for everything its doctor finds wrong', async ({ driver }) => {
      for (const check of await driver.doctor()) {
        expect(check.fix !== undefined, check.name).toBe(check.state !== 'ok');
      }
    });
  });
}

function firstStart({ egress }: DriverUnderTest, timeoutMs: number): StartOptions {
  const token = new Secret('conformance-token-0123456789-0123456789');
  return { epoch: 1, token, egress, signal: AbortSignal.timeout(timeoutMs) };
}
