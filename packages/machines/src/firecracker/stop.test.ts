import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { systemClock } from '@sallyport/core';
import { createVirtualClock } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { identifyProcess } from '../host/process.ts';
import { explainExit } from './exit-codes.ts';
import { stopVmm } from './stop.ts';
import type { VmmExit } from './vmm-process.ts';
import { watchVmm } from './vmm-process.ts';

/** A machine that ends at one step and takes no notice of those before it. */
function stubborn(endsAt: string) {
  const clock = createVirtualClock();
  const steps: string[] = [];
  const exit = Promise.withResolvers<VmmExit>();
  const step = async (name: string): Promise<void> => {
    steps.push(`${clock.monotonic()} ${name}`);
    if (name === endsAt) {
      exit.resolve({ code: 0, signal: null });
    }
  };
  const parts = {
    clock,
    vmm: { exited: exit.promise, kill: step },
    api: { send: () => step('SendCtrlAltDel'), close: () => {} },
    reboot: () => step('reboot'),
  };
  return { parts, clock, steps };
}

describe('stopping a Firecracker machine', () => {
  it.each([
    ['reboot', ['0 reboot']],
    ['SendCtrlAltDel', ['0 reboot', '3000 SendCtrlAltDel']],
    ['SIGTERM', ['0 reboot', '3000 SendCtrlAltDel', '6000 SIGTERM']],
    ['SIGKILL', ['0 reboot', '3000 SendCtrlAltDel', '6000 SIGTERM', '7000 SIGKILL']],
  ])('gets firmer step by step until the machine ends at %s', async (endsAt, expected) => {
    const { parts, clock, steps } = stubborn(endsAt);
    const stopped = stopVmm(parts, 60_000);
    await clock.advance(20_000);
    await stopped;
    expect(steps).toEqual(expected);
    expect(clock.pending).toBe(0);
  });

  it('kills when the deadline passes, and at once when there is none', async () => {
    const late = stubborn('SIGKILL');
    const stopped = stopVmm(late.parts, 3500);
    await late.clock.advance(20_000);
    await stopped;
    expect(late.steps).toEqual(['0 reboot', '3000 SendCtrlAltDel', '3500 SIGKILL']);
    const now = stubborn('SIGKILL');
    await stopVmm(now.parts, 0);
    expect(now.steps).toEqual(['0 SIGKILL']);
  });

  it('says so when even that does not help', async () => {
    const { parts, clock } = stubborn('never');
    const stopped = stopVmm(parts, 0).catch((thrown: unknown) => thrown);
    await clock.advance(20_000);
    expect(await stopped).toMatchObject({ code: 'MACHINE_FAILED' });
  });
});

describe('a Firecracker process that is not a child', () => {
  it('is watched until it ends', async () => {
    const child = spawn('sleep', ['60']);
    const known = await identifyProcess(child.pid ?? 0);
    const vmm = watchVmm(known ?? { pid: 0, born: '' }, () => '', systemClock, AbortSignal.timeout(60_000));
    await vmm.kill('SIGTERM');
    expect(await vmm.exited).toEqual({ code: null, signal: null });
  });

  it('is not killed when its number belongs to another process by now', async () => {
    const bystander = spawn('sleep', ['60']);
    const known = await identifyProcess(bystander.pid ?? 0);
    const vmm = watchVmm(
      { pid: known?.pid ?? 0, born: `${known?.born}0` },
      () => '',
      systemClock,
      AbortSignal.timeout(60_000),
    );
    await vmm.exited;
    await vmm.kill('SIGKILL');
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    expect(await identifyProcess(known?.pid ?? 0)).toEqual(known);
    bystander.kill();
    await once(bystander, 'exit');
  });
});

describe('the exit codes of Firecracker', () => {
  it('are explained, and a forbidden system call is a matter of security', () => {
    expect(explainExit({ code: 148, signal: null })).toMatchObject({ security: true });
    expect(explainExit({ code: 151, signal: null }).sentence).toContain('fsize');
    expect(explainExit({ code: 99, signal: null })).toEqual({
      sentence: 'Firecracker ended with code 99.',
      security: false,
    });
    expect(explainExit({ code: null, signal: 'SIGKILL' }).sentence).toBe('Firecracker was ended by SIGKILL.');
    expect(explainExit({ code: null, signal: null }).sentence).toBe('Firecracker ended while nobody watched.');
  });
});
