import { setTimeout as sleep } from 'node:timers/promises';

import { Secret } from '@sallyport/core';
import type { Machine, MachineRole } from '@sallyport/core/driver';
import type { AgentClient } from '@sallyport/core/protocol';

import type { DriverUnderTest } from '../driver.ts';
import type { TestRunner } from '../runner.ts';
import {
  isHeldOpen,
  leaveBehind,
  plantLinks,
  readHome,
  readWork,
  rotate,
  saveAtTheEnd,
  sizeOf,
  stayOpen,
  useWork,
  writeStop,
} from './home-programs.ts';
import { probeCredential, probeItems, runProbe, writeProbeCli } from './probe-cli.ts';
import { spy } from './spy.ts';
import { watchUser } from './watch-user.ts';
import {
  loadReplaced,
  loadSettings,
  loadTrusted,
  plantSettings,
  plantTrusted,
  replaceHidden,
  trustedSettings,
  trustWork,
  workSettings,
} from './work-settings.ts';

/** How CLIs run in a driver's machines. */
export interface ClisUnderTest {
  /** Where CLIs can be written so that machines can be shown them. */
  readonly directory: string;
  /** The directory of the built agent, with `main.js` in it. */
  readonly agent: string;
  connectAgent(machine: Machine, token: Secret): AgentClient;
  /** Whether one CLI cannot reach another's home; otherwise why not. Doctor must then find something to fix. */
  readonly homesApart: true | string;
}

export interface HomesOptions {
  readonly timeoutMs: number;
  readonly runsClis: true | string;
}

type Test = (title: string, body: (subject: DriverUnderTest) => Promise<void>) => void;

const [attacker, victim] = ['attacker', 'victim'];
const token = new Secret('conformance-token-0123456789-0123456789');
const loginOf = (provider: string): string => JSON.stringify({ token: `canary-login-of-${provider}` });

/** What has to hold where several providers' CLIs run in one machine. */
export function testHomes(test: Test, { expect }: TestRunner, { timeoutMs, runsClis }: HomesOptions): void {
  if (runsClis !== true) {
    test(`runs no CLIs: ${runsClis}`, async ({ clis }) => {
      expect(clis).toBeUndefined();
    });
    return;
  }

  function clisOf({ clis }: DriverUnderTest): ClisUnderTest {
    if (clis) return clis;
    throw new TypeError('A driver under test needs `clis`, or the option `runsClis` with the reason why it has none.');
  }

  async function started(subject: DriverUnderTest, clis: ClisUnderTest, role: MachineRole = 'cli') {
    const signal = AbortSignal.timeout(timeoutMs);
    const programs = await Promise.all([attacker, victim].map((name) => writeProbeCli(clis.directory, name)));
    const plan = subject.plan(role);
    const agent = { directory: clis.agent, entry: 'main.js', nodeArgs: [], node: plan.agent.node };
    const machine = await subject.driver.create({ ...plan, agent, clis: programs }, { signal });
    for (const name of role === 'cli' ? [attacker, victim] : []) {
      await machine.disk.inject(name, [{ ...probeCredential, content: loginOf(name) }]);
    }
    await machine.start({ epoch: 1, token, egress: subject.egress, signal });
    return { machine, agent: clis.connectAgent(machine, token), signal };
  }

  /** A driver that does not keep homes apart says so in its doctor. */
  async function expectWarning({ driver }: DriverUnderTest, why: string): Promise<void> {
    const wrong = (await driver.doctor()).filter((check) => check.state !== 'ok');
    expect(wrong.length, why).toBeGreaterThan(0);
  }

  test('gives each CLI its own home, with the one working directory of the user in it', async (subject) => {
    const { agent, signal } = await started(subject, clisOf(subject));
    const seen: unknown[] = [];
    for (const provider of [victim, attacker]) {
      seen.push(await runProbe(agent, { provider, signal }, useWork, provider));
    }
    expect(seen).toEqual([
      { login: loginOf(victim), before: [], beside: [], sameDirectory: true },
      { login: loginOf(attacker), before: [`from ${victim}`], beside: [], sameDirectory: true },
    ]);
    // What one made for itself alone, the other has changed.
    expect(await runProbe(agent, { provider: victim, signal }, readWork, victim)).toEqual(`changed by ${attacker}`);
  });

  test('offers what a CLI makes of its login, and keeps it on its own disk', async (subject) => {
    const { machine, agent, signal } = await started(subject, clisOf(subject));
    await agent.watchCredentials(victim, probeItems);
    const rotated = JSON.stringify({ token: 'canary-rotated' });
    const offered = (async () => {
      for await (const event of agent.events(signal)) {
        if (event.type === 'credential.offered' && event.files['auth'] === rotated) return event.provider;
      }
      return undefined;
    })();
    await runProbe(agent, { provider: victim, signal }, rotate, rotated);
    expect(await offered).toBe(victim);
    await machine.stop({ deadlineMs: timeoutMs / 12 });
    const { path, mode } = probeCredential;
    expect(await machine.disk.harvest(victim, [path])).toEqual([{ path, mode, content: rotated }]);
    expect(await machine.disk.harvest(attacker, [path])).toEqual([{ path, mode, content: loginOf(attacker) }]);
  });

  test('keeps a login CLI from the agent and everything else in its browser machine, or says that it does not', async (subject) => {
    const clis = clisOf(subject);
    const { agent, signal } = await started(subject, clis, 'browser');
    const { found, processes, displays } = await runProbe(agent, { provider: attacker, signal }, watchUser, null);
    if (clis.homesApart !== true) {
      // The same program finds them where nothing keeps it away.
      expect([...found, ...processes].length, clis.homesApart).toBeGreaterThan(0);
      return;
    }
    expect({ found, processes, displays }).toEqual({ found: [], processes: [], displays: [] });
  });

  test('gives a CLI the time to save its work, and ends what it leaves behind', async (subject) => {
    const { agent, signal } = await started(subject, clisOf(subject));
    const cancelled = new AbortController();
    const either = AbortSignal.any([signal, cancelled.signal]);
    const size = (name: string) => runProbe(agent, { provider: attacker, signal }, sizeOf, name);
    const running = runProbe(agent, { provider: victim, signal: either }, saveAtTheEnd, 'work-of-victim');
    running.catch(() => {});
    await until(async () => (await size('ready')) === 0, signal);
    cancelled.abort();
    await until(async () => (await size('work-of-victim')) === 'saved'.length, signal);
    // Without a sandbox around each CLI, a process that leaves the CLI's group lives as long as the machine.
    if (clisOf(subject).homesApart !== true) return;
    expect(await runProbe(agent, { provider: victim, signal }, leaveBehind, 'left')).toBe(true);
    await until(async () => !(await runProbe(agent, { provider: victim, signal }, isHeldOpen, 'left')), signal);
  });

  test('keeps a CLI from settings that another one leaves in the working directory, or says that it does not', async (subject) => {
    const clis = clisOf(subject);
    if (clis.homesApart !== true) return expectWarning(subject, clis.homesApart);
    const { agent, signal } = await started(subject, clis);
    for (const { of, hidden, files } of workSettings) {
      await runProbe(agent, { provider: attacker, signal }, plantSettings, files);
      // The same look finds them where its manifest hides nothing.
      const found = await runProbe(agent, { provider: victim, signal }, loadSettings, files);
      expect(found, of).toEqual(files.flatMap((file) => [file, `~/work/${file}`]));
      const asLoaded = { provider: victim, hiddenInWork: hidden, signal };
      expect(await runProbe(agent, asLoaded, loadSettings, files), of).toEqual([]);
      // Hidden from that CLI, and still the user's.
      expect(await runProbe(agent, { provider: attacker, signal }, loadSettings, files), of).toEqual(found);
    }
  });

  test('keeps a CLI from settings that another one leaves and has trusted in its home, or says that it does not', async (subject) => {
    const clis = clisOf(subject);
    const { agent, signal } = await started(subject, clis);
    const asAttacker = { provider: attacker, signal };
    const asVictim = { provider: victim, signal };
    const running = runProbe(agent, asVictim, stayOpen, 'stop');
    // Looked at below; a failure before that is the one to tell.
    running.catch(() => {});
    const homes = homesOfVictim(await waitForVictim(agent, signal));
    const trusted = await runProbe(agent, asAttacker, plantTrusted, { ...trustedSettings, homes });
    await runProbe(agent, asAttacker, writeStop, 'stop');
    await running;
    const loaded = await runProbe(agent, asVictim, loadTrusted, trustedSettings);
    if (clis.homesApart !== true) {
      // The same program succeeds where nothing keeps it away.
      expect(loaded, clis.homesApart).toEqual(trustedSettings.files);
      return expectWarning(subject, clis.homesApart);
    }
    expect({ trusted, loaded }).toEqual({ trusted: [], loaded: [] });
    // The files are there: a home that trusts them loads them.
    await runProbe(agent, asVictim, trustWork, trustedSettings.trust);
    expect(await runProbe(agent, asVictim, loadTrusted, trustedSettings)).toEqual(trustedSettings.files);
  });

  test('keeps a CLI from settings that another one puts in the place of hidden ones while both run, or says that it does not', async (subject) => {
    const clis = clisOf(subject);
    if (clis.homesApart !== true) return expectWarning(subject, clis.homesApart);
    const { agent, signal } = await started(subject, clis);
    for (const [index, { of, hidden, files }] of workSettings.entries()) {
      await runProbe(agent, { provider: attacker, signal }, plantSettings, files);
      const names = hidden.map(({ name }) => name);
      const input = { names, files, ready: `ready-${index}`, done: `done-${index}` };
      const asVictim = { provider: victim, hiddenInWork: hidden, signal };
      const [refused, loaded] = await Promise.all([
        runProbe(agent, { provider: attacker, pinnedInWork: hidden, signal }, replaceHidden, input),
        runProbe(agent, asVictim, loadReplaced, input),
      ]);
      expect(loaded, of).toEqual([]);
      expect(refused, of).toEqual(names.flatMap((name) => [`rename ${name}: EBUSY`, `remove ${name}: EBUSY`]));
      // Beside a CLI that could move them, it does not start.
      const unpinned = { ...input, ready: `later-${index}`, done: `gone-${index}` };
      const moving = runProbe(agent, { provider: attacker, signal }, replaceHidden, unpinned);
      moving.catch(() => {});
      const isThere = () => runProbe(agent, { provider: attacker, signal }, sizeOf, `later-${index}-attacker`);
      await until(async () => (await isThere()) === 0, signal);
      await expect(runProbe(agent, asVictim, loadReplaced, unpinned), of).rejects.toMatchObject({
        code: 'MACHINE_BUSY',
      });
      await runProbe(agent, { provider: attacker, signal }, writeStop, `later-${index}`);
      expect(
        (await moving).filter((what) => what.includes('EBUSY')),
        of,
      ).toEqual([]);
    }
  });

  test('keeps a CLI from what another one has and does, or says that it does not', async (subject) => {
    const clis = clisOf(subject);
    if (clis.homesApart !== true) return expectWarning(subject, clis.homesApart);
    const { agent, signal } = await started(subject, clis);
    const secret = (name: string) => ({ CANARY: `canary-environment-of-${name}` });
    const running = runProbe(agent, { provider: victim, env: secret(victim), signal }, stayOpen, 'stop');
    // Looked at below; a failure before that is the one to tell.
    running.catch(() => {});
    const home = await waitForVictim(agent, signal);
    const input = {
      canaries: {
        ownLogin: `canary-login-of-${attacker}`,
        ownEnvironment: secret(attacker).CANARY,
        login: `canary-login-of-${victim}`,
        environment: secret(victim).CANARY,
        opened: 'canary-of-an-open-file',
      },
      paths: [...homesOfVictim(home), '/proc/1/root/home', 'link'],
      victimMark: `probe-${victim}`,
    };
    await runProbe(agent, { provider: attacker, signal }, plantLinks, [`/home/providers/${victim}`, `../../${victim}`]);
    const asAttacker = { provider: attacker, env: secret(attacker), signal };
    const { found, processes, traced, child } = await runProbe(agent, asAttacker, spy, input);
    // It finds its own, so it would have found the other's.
    expect(found['ownLogin']?.length ?? 0).toBeGreaterThan(0);
    expect(found['ownEnvironment']?.length ?? 0).toBeGreaterThan(0);
    expect(traced.length === 0 || traced.includes(child), `traced ${traced.join()}`).toBe(true);
    expect({ login: found['login'], environment: found['environment'], opened: found['opened'] }).toEqual({
      login: [],
      environment: [],
      opened: [],
    });
    expect(processes.filter((line) => line.includes(victim))).toEqual([]);
    // The victim is still there, and so is the agent.
    await runProbe(agent, { provider: attacker, signal }, writeStop, 'stop');
    expect(await running).toEqual(`login ${loginOf(victim)}`);
  });
}

/** Names by which the victim's home might be reached. `to-home` is the link that the victim leaves. */
function homesOfVictim(home: string): readonly string[] {
  return [home, `${home}/../${victim}`, `/home/providers/${victim}`, `/sallyport/homes/${victim}`, 'to-home'];
}

/** Waits until the victim says, in the shared directory, where its home is. */
async function waitForVictim(agent: AgentClient, signal: AbortSignal): Promise<string> {
  let home: unknown;
  await until(async () => {
    home = await runProbe(agent, { provider: attacker, signal }, readHome, '');
    return typeof home === 'string';
  }, signal);
  return String(home);
}

async function until(condition: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!(await condition())) {
    signal.throwIfAborted();
    await sleep(20);
  }
}
