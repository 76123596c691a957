import type { Machine, StartOptions } from '@sallyport/core/driver';
import { Secret } from '@sallyport/core';

import type { DriverUnderTest } from '../driver.ts';
import type { TestRunner } from '../runner.ts';
import { readTimes } from './home-programs.ts';
import { runProbe, writeProbeCli } from './probe-cli.ts';
import { requestHealth } from './request-health.ts';

type Test = (title: string, body: (subject: DriverUnderTest) => Promise<void>) => void;

export interface HibernationOptions {
  readonly timeoutMs: number;
  readonly hibernates: true | string;
}

const provider = 'codex';
const credential = { path: '~/.config/fake/credential.json', content: '{"token":"asleep"}', mode: 0o600 };

/** What has to hold where machines hibernate. */
export function testHibernation(
  test: Test,
  { expect }: TestRunner,
  { timeoutMs, hibernates }: HibernationOptions,
): void {
  if (hibernates !== true) {
    test(`does not hibernate: ${hibernates}`, async ({ driver, plan }) => {
      const machine = await driver.create(plan('cli'), { signal: AbortSignal.timeout(timeoutMs) });
      expect([driver.features.hibernate, machine.hibernate, machine.wake]).toEqual([false, undefined, undefined]);
    });
    return;
  }

  function boot({ egress }: DriverUnderTest, epoch: number): StartOptions {
    const token = new Secret(`token-of-epoch-${epoch}-0123456789-0123456789`);
    return { epoch, token, egress, signal: AbortSignal.timeout(timeoutMs) };
  }

  async function started(subject: DriverUnderTest, options: StartOptions): Promise<Machine> {
    const clis = subject.clis ? [await writeProbeCli(subject.clis.directory, provider)] : [];
    const machine = await subject.driver.create({ ...subject.plan('cli'), clis }, { signal: options.signal });
    await machine.disk.inject(provider, [credential]);
    await machine.start(options);
    return machine;
  }

  const stateOf = async ({ driver }: Pick<DriverUnderTest, 'driver'>) => {
    const [ref] = await driver.list();
    return { running: ref?.running, hibernated: ref?.hibernated ?? false };
  };

  test('hibernates with its memory, and wakes once, with the time and a token of now', async (subject) => {
    const [first, second, third] = [boot(subject, 1), boot(subject, 2), boot(subject, 3)];
    const machine = await started(subject, first);
    const timesOf = async (token: Secret) =>
      subject.clis
        ? runProbe(subject.clis.connectAgent(machine, token), { provider, signal: first.signal }, readTimes, null)
        : undefined;
    const before = await timesOf(first.token);
    const { exited } = machine;
    await machine.hibernate?.({ signal: first.signal });
    expect(await stateOf(subject)).toEqual({ running: false, hibernated: true });
    expect(typeof (await exited).console).toBe('string');
    await expect(machine.connect(8080, { signal: first.signal })).rejects.toMatchObject({});
    await expect(machine.disk.harvest(provider, [credential.path])).rejects.toMatchObject({ code: 'MACHINE_BUSY' });

    await machine.wake?.(second);
    expect(await stateOf(subject)).toEqual({ running: true, hibernated: false });
    expect(await requestHealth(machine, second.token)).toMatchObject({ status: 'ok' });
    await expect(requestHealth(machine, first.token)).rejects.toMatchObject({});
    const after = await timesOf(second.token);
    if (before && after) {
      expect(after.uptime).toBeGreaterThan(before.uptime);
      // It slept, so its own clock stood still.
      expect(Math.abs(after.now - Date.now())).toBeLessThan(5_000);
    }
    await expect(machine.wake?.(third)).rejects.toMatchObject({ code: 'MACHINE_BUSY' });

    // Its snapshot is used up: what runs now ends for good.
    await machine.stop({ deadlineMs: timeoutMs / 12 });
    await expect(machine.wake?.(third)).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
    expect(await machine.disk.harvest(provider, [credential.path])).toEqual([credential]);
  });

  test('wakes to no other plan than the one it slept with, and then boots cold', async (subject) => {
    const machine = await started(subject, boot(subject, 1));
    await machine.hibernate?.({ signal: AbortSignal.timeout(timeoutMs) });
    const plan = subject.plan('cli');
    const changed = { ...boot(subject, 2), plan: { ...plan, machineId: machine.id, memoryMb: plan.memoryMb + 64 } };
    await expect(machine.wake?.(changed)).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
    await machine.stop({ deadlineMs: timeoutMs / 12 });
    expect(await machine.disk.harvest(provider, [credential.path])).toEqual([credential]);
    const cold = { ...changed, ...boot(subject, 3) };
    await machine.start(cold);
    expect(await requestHealth(machine, cold.token)).toMatchObject({ status: 'ok' });
  });

  test('sleeps through a restart of the server, and gives its snapshot up when it is stopped', async (subject) => {
    const machine = await started(subject, boot(subject, 1));
    await machine.hibernate?.({ signal: AbortSignal.timeout(timeoutMs) });
    const driver = await subject.restart();
    expect(await stateOf({ driver })).toEqual({ running: false, hibernated: true });
    const adopted = await driver.adopt({ machineId: machine.id, role: 'cli', running: false, hibernated: true });
    await adopted?.stop({ deadlineMs: timeoutMs / 12 });
    expect(await stateOf({ driver })).toEqual({ running: false, hibernated: false });
    expect(await adopted?.disk.harvest(provider, [credential.path])).toEqual([credential]);
    await adopted?.destroy();
  });
}
