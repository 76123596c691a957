import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runProbe } from '../../packages/testkit/src/driver-suite/probe-cli.ts';
import { createBrowserMachines, probeProvider, templateMade, templateToken } from '../support/browser-machines.ts';
import type { BrowserMachine, BrowserMachines } from '../support/browser-machines.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';
import { requestHealth } from '../../packages/testkit/src/driver-suite/request-health.ts';

/** An emulated processor starts a browser twice: for the first user, and for the template that all others start from. */
const COLD_MS = 900_000;

describe('a browser machine that goes on from a template', () => {
  let world: BrowserMachines;
  let driver: Awaited<ReturnType<BrowserMachines['open']>>;
  const warm: { readonly machine: BrowserMachine; readonly seen: Seen; readonly clockMs: number }[] = [];

  beforeAll(async () => {
    world = await createBrowserMachines();
    driver = await world.open();
  });

  afterAll(() => world.close());

  it(
    'has one after a machine had to boot, for the server alone and in no list',
    async () => {
      const cold = await world.start(driver);
      console.log(`cold: agent after ${seconds(cold.agentMs)}`);
      await cold.machine.destroy();
      const template = await templateMade(world);
      expect((await stat(template)).mode & 0o777).toBe(0o700);
      expect((await readdir(template)).toSorted()).toEqual(['agent.ext4', 'disk.ext4', 'snapshot', 'template.json']);
      for (const name of ['agent.ext4', 'disk.ext4', 'snapshot/state', 'snapshot/manifest.json', 'template.json']) {
        const { mode, uid } = await stat(join(template, name));
        expect([name, mode & 0o777, uid]).toEqual([name, 0o600, process.geteuid?.()]);
      }
      expect(await driver.list()).toEqual([]);
      expect(await driver.reconcile()).toEqual([]);
      expect(world.log).toEqual([]);
    },
    COLD_MS,
  );

  it(
    'shows its page, at its own address and with the time of this host',
    async () => {
      for (const which of ['first', 'second']) {
        const machine = await world.start(driver);
        const clockMs = await clockOf(machine);
        const { desktopMs, pageMs } = await world.show(machine);
        const { agentMs } = machine;
        console.log(
          `${which}: agent after ${seconds(agentMs)}, desktop ${seconds(desktopMs)}, page painted ${seconds(pageMs)}`,
        );
        warm.push({ machine, seen: await lookInside(machine), clockMs });
      }
      // Neither was a cold boot.
      expect(world.log).toEqual([]);
      for (const { machine, seen, clockMs } of warm) {
        expect(seen.host).toBe(machine.machine.id);
        expect(clockMs).toBeLessThan(2_000);
      }
    },
    COLD_MS,
  );

  it('shares no number with its siblings that should be one machine’s alone', () => {
    const each = (pick: (seen: Seen) => string): number => new Set(warm.map(({ seen }) => pick(seen))).size;
    expect(each((seen) => seen.machineId)).toBe(2);
    expect(each((seen) => seen.address)).toBe(2);
    expect(each((seen) => seen.random)).toBe(2);
    expect(each((seen) => seen.drawn)).toBe(2);
  });

  it('answers to its own token, and to no other', async () => {
    const [one, other] = warm.map(({ machine }) => machine);
    if (!one || !other) throw new Error('There are two.');
    await requestHealth(one.machine, one.token);
    await expect(requestHealth(one.machine, other.token)).rejects.toThrow('401');
    const tokenOfThen = await templateToken(await templateMade(world));
    for (const { machine } of [one, other]) await expect(requestHealth(machine, tokenOfThen)).rejects.toThrow('401');
  });
});

interface Seen {
  readonly host: string;
  readonly machineId: string;
  readonly address: string;
  /** Of the kernel, and as a program draws it. */
  readonly random: string;
  readonly drawn: string;
}

function lookInside({ agent }: BrowserMachine): Promise<Seen> {
  const signal = AbortSignal.timeout(HANG_LIMIT_MS);
  return runProbe(
    agent,
    { provider: probeProvider, signal },
    async () => {
      // Not imported: the test runner would rewrite an import.
      const { openSync, readFileSync, readSync } = process.getBuiltinModule('node:fs');
      const { hostname, networkInterfaces } = process.getBuiltinModule('node:os');
      const { randomBytes } = process.getBuiltinModule('node:crypto');
      const bytes = new Uint8Array(32);
      readSync(openSync('/dev/urandom', 'r'), bytes);
      return {
        host: hostname(),
        machineId: readFileSync('/etc/machine-id', 'utf8').trim(),
        address: networkInterfaces()['eth0']?.[0]?.address ?? '',
        random: [...bytes].join('.'),
        drawn: randomBytes(32).toString('hex'),
      };
    },
    undefined,
  );
}

/** How far its clock is from this host's, at most. */
async function clockOf({ agent }: BrowserMachine): Promise<number> {
  const asked = Date.now();
  const { timestamp } = await agent.health(AbortSignal.timeout(HANG_LIMIT_MS));
  const there = Date.parse(timestamp);
  return Math.max(asked - there, there - Date.now(), 0);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
