import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import type { Machine } from '@sallyport/core/driver';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { reachable } from '../../../../test/setup/reachable.ts';
import { until } from '../../../../test/setup/until.ts';
import { ask, createWorkbench, runInside, token } from './__fixtures__/machines.ts';
import type { Workbench } from './__fixtures__/machines.ts';
import { createProcessDriver } from './driver.ts';
import type { ProcessDriver } from './driver.ts';
import { chooseIsolation } from './isolation.ts';
import { allotUser } from './user-allotment.ts';

const signal = new AbortController().signal;
const hasBubblewrap = (await chooseIsolation('auto')).bubblewrap !== undefined;
const isRoot = process.geteuid?.() === 0;

for (const isolation of ['bubblewrap', 'none'] as const) {
  const skipped = isolation === 'bubblewrap' && !hasBubblewrap;
  const { dropsUser } = await chooseIsolation(skipped ? 'none' : isolation);
  describe.skipIf(skipped)(`the process driver, isolation ${isolation}${skipped ? ' (needs bubblewrap)' : ''}`, () => {
    let bench: Workbench;
    let driver: ProcessDriver;
    let database: string;
    beforeAll(async () => {
      bench = await createWorkbench();
      driver = await createProcessDriver({
        dataDirectory: join(bench.directory, 'data'),
        clock: systemClock,
        isolation,
      });
      database = join(bench.directory, 'data', 'database');
      mkdirSync(database, { mode: 0o700 });
      writeFileSync(join(database, 'rows'), 'rows');
    });
    afterAll(async () => {
      await bench.cleanUp();
    });

    async function started(): Promise<Machine> {
      const machine = await driver.create(bench.plan(), { signal });
      await machine.start(bench.startOptions());
      return machine;
    }

    it('starts the agent with its configuration and a clean environment', async () => {
      process.env['CANARY_OF_THE_SERVER'] = 'x';
      const machine = await driver.create(bench.plan({ desktop: { width: 800, height: 600 } }), { signal });
      await machine.start(bench.startOptions({ egress: { ...bench.egress, certificateAuthority: 'PEM' } }));
      const boot = JSON.parse(await ask(machine, '/boot'));
      expect(boot).toMatchObject({
        machineId: machine.id,
        epoch: 1,
        role: 'cli',
        desktop: { width: 800 },
        certificateAuthority: 'PEM',
      });
      expect(boot.environment.HOME).toBe(boot.home);
      expect(boot.environment).not.toHaveProperty('CANARY_OF_THE_SERVER');
      expect(await runInside(machine, 'cd; echo hello > note; cat ~/note; pwd')).toBe(`0 hello\n${boot.home}`);
      expect(readFileSync(join(bench.directory, 'data/machines', machine.id, 'home/note'), 'utf8')).toBe('hello\n');
      await machine.destroy();
      delete process.env['CANARY_OF_THE_SERVER'];
    });

    it('reaches only the egress proxy through the socket', async () => {
      const machine = await started();
      const node = reachable(process.execPath);
      const script = `${node} -e 'require("net").connect(process.env.EGRESS).on("data", (d) => console.log(String(d)))'`;
      const inside = isolation === 'none' ? script : script.replace(node, '/opt/node/bin/node');
      expect(await runInside(machine, inside)).toBe('0 hello from the proxy');
      await machine.destroy();
    });

    it('leaves no process or file behind, even for processes that left the group', async () => {
      const machine = await started();
      const mark = String(777_000_000 + Math.floor(Math.random() * 1_000_000));
      await runInside(machine, `setsid sleep ${mark} >/dev/null 2>&1 &`);
      await until('the process to run', () => processesWith(mark) === 1);
      const exited = machine.exited;
      await machine.destroy();
      await machine.destroy();
      expect(processesWith(mark)).toBe(0);
      expect((await exited).console).toContain('epoch 1');
      expect(existsSync(join(bench.directory, 'data/machines', machine.id))).toBe(false);
      expect(await driver.list()).toEqual([]);
    });

    it('reports how a machine that failed to start ended, without its token', async () => {
      const machine = await driver.create(bench.plan({ desktop: { width: 666, height: 1 } }), { signal });
      const error: unknown = await machine.start(bench.startOptions()).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'MACHINE_FAILED' });
      expect(String(error)).toMatch(/code 3 .*refusing to start with \[token\]/s);
      expect(JSON.stringify(error)).not.toContain(token);
      await machine.destroy();
    });

    it('stops a start when its signal aborts', async () => {
      const plan = bench.plan();
      const agent = { ...plan.agent, directory: join(bench.directory, 'silent'), entry: 'silent.mjs' };
      mkdirSync(agent.directory, { recursive: true });
      writeFileSync(join(agent.directory, 'silent.mjs'), 'process.stdin.resume();setInterval(() => {}, 1000)');
      const machine = await driver.create({ ...plan, agent }, { signal });
      const controller = new AbortController();
      const start = machine.start(bench.startOptions({ signal: controller.signal }));
      await until('the machine to run', async () =>
        (await driver.list()).some((ref) => ref.machineId === machine.id && ref.running),
      );
      controller.abort(new Error('changed my mind'));
      await expect(start).rejects.toThrow('changed my mind');
      expect((await driver.list()).find((ref) => ref.machineId === machine.id)?.running).toBe(false);
      await machine.destroy();
    });

    it('kills an agent that ignores SIGTERM and detects one that was killed', async () => {
      const plan = bench.plan();
      const directory = join(bench.directory, 'stubborn');
      mkdirSync(directory, { recursive: true });
      writeFileSync(
        join(directory, 'agent.mjs'),
        `process.on('SIGTERM', () => {}); process.stdin.once('data', (data) => {
          const { socket } = JSON.parse(String(data)).listen;
          import('node:net').then(({ createServer }) => createServer().listen(socket));
        });`,
      );
      const machine = await driver.create(
        { ...plan, agent: { ...plan.agent, directory, entry: 'agent.mjs' } },
        { signal },
      );
      await machine.start(bench.startOptions());
      await machine.stop({ deadlineMs: 200 });
      expect((await machine.exited).signal ?? (await machine.exited).code).not.toBe(0);

      await machine.start(bench.startOptions({ plan: { ...bench.plan(), machineId: machine.id } }));
      const { running } = JSON.parse(
        readFileSync(join(bench.directory, 'data/machines', machine.id, 'machine.json'), 'utf8'),
      );
      process.kill(running.leader.pid, 'SIGKILL');
      expect(await machine.exited).toMatchObject({ signal: 'SIGKILL' });
      await machine.destroy();
    });

    it('works below a data directory whose path is too long for a socket', async () => {
      const dataDirectory = join(bench.directory, 'deep-'.repeat(18), 'deep-'.repeat(18));
      const deep = await createProcessDriver({ dataDirectory, clock: systemClock, isolation });
      const machine = await deep.create(bench.plan(), { signal });
      // A separate directory: other tests create short paths in the default one.
      const temporary = mkdtempSync(join(tmpdir(), 't-'));
      chmodSync(temporary, 0o711);
      vi.stubEnv('TMPDIR', temporary);
      try {
        await machine.start(bench.startOptions());
        expect(await ask(machine, '/health')).toContain('ok');
        expect(readdirSync(temporary)).toHaveLength(1);
        await machine.destroy();
        expect(readdirSync(temporary)).toEqual([]);
      } finally {
        vi.unstubAllEnvs();
        rmSync(temporary, { recursive: true });
      }
    });

    it('does not let a machine redirect the server to another socket', async () => {
      const machine = await started();
      const run = join(bench.directory, 'data/machines', machine.id, 'run');
      rmSync(join(run, 'agent.sock'));
      symlinkSync(bench.egress.socketPath, join(run, 'agent.sock'));
      await expect(machine.connect(8080, { signal })).rejects.toThrow();
      await machine.destroy();
    });

    it('ends the processes of a killed server and adopts its machines', async () => {
      const dataDirectory = join(bench.directory, 'crashed');
      const plan = bench.plan();
      const script = `
        import { createProcessDriver } from ${JSON.stringify(join(import.meta.dirname, 'driver.ts'))};
        import { Secret, systemClock } from '@sallyport/core';
        const driver = await createProcessDriver({ dataDirectory: ${JSON.stringify(dataDirectory)}, clock: systemClock, isolation: '${isolation}' });
        const machine = await driver.create(${JSON.stringify(plan)}, { signal: new AbortController().signal });
        await machine.start({ epoch: 1, token: new Secret('${token}'), egress: { socketPath: ${JSON.stringify(bench.egress.socketPath)}, close: async () => {} }, signal: AbortSignal.timeout(15000) });
        console.log('started');`;
      const server = spawn(process.execPath, ['--conditions=@sallyport/source', '--input-type=module', '-e', script], {
        cwd: import.meta.dirname,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = new Promise((resolve) => server.once('exit', resolve));
      expect(
        await Promise.race([new Promise((resolve) => server.stdout.once('data', () => resolve('started'))), ended]),
      ).toBe('started');
      server.kill('SIGKILL');
      await ended;

      const next = await createProcessDriver({ dataDirectory, clock: systemClock, isolation });
      expect(await next.reap()).toEqual([plan.machineId]);
      expect(await next.reap()).toEqual([]);
      expect(await next.list()).toEqual([{ machineId: plan.machineId, role: 'cli', running: false }]);
      const machine = await next.adopt({ machineId: plan.machineId, role: 'cli', running: false });
      await machine?.start(bench.startOptions());
      expect(machine && (await ask(machine, '/health'))).toContain('ok');
      await machine?.destroy();
      expect(await next.adopt({ machineId: plan.machineId, role: 'cli', running: false })).toBeUndefined();
    });

    it('removes what a server left that died while it created or destroyed a machine, and nothing else', async () => {
      const dataDirectory = join(bench.directory, 'half-made');
      const next = await createProcessDriver({ dataDirectory, clock: systemClock, isolation });
      const directories = join(dataDirectory, 'machines');
      for (const machineId of ['m-unrecorded', 'm-damaged', 'm-kept', 'not-a-machine']) {
        mkdirSync(join(directories, machineId, 'home'), { recursive: true });
        writeFileSync(join(directories, machineId, 'home', 'note'), machineId);
      }
      writeFileSync(join(directories, 'm-damaged', 'machine.json'), '{');
      const stray = dropsUser ? await allotUser(dataDirectory, 'm-unrecorded') : undefined;
      const [known, created] = [bench.plan(), bench.plan()];
      await next.create(known, { signal });
      const creation = next.create(created, { signal });
      const removed = await next.reconcile?.(new Set(['m-kept']));
      await creation;
      expect(removed).toEqual([
        'directory of m-unrecorded',
        ...(stray === undefined ? [] : [`user ${stray} of m-unrecorded`]),
      ]);
      const left = ['m-damaged', 'm-kept', 'not-a-machine', known.machineId, created.machineId];
      expect(readdirSync(directories).toSorted()).toEqual(left.toSorted());
      expect(await next.reconcile?.(new Set(['m-kept']))).toEqual([]);
    });

    it('lists its machines when the record of one is damaged, and names that one to the operator', async () => {
      const dataDirectory = join(bench.directory, 'damaged');
      const next = await createProcessDriver({ dataDirectory, clock: systemClock, isolation });
      const plan = bench.plan();
      await next.create(plan, { signal });
      const record = join(dataDirectory, 'machines', 'm-damaged', 'machine.json');
      mkdirSync(dirname(record));
      writeFileSync(record, '');
      expect(await next.list()).toEqual([{ machineId: plan.machineId, role: 'cli', running: false }]);
      expect(await next.reap()).toEqual([]);
      expect(await next.doctor()).toContainEqual({
        name: 'machine m-damaged',
        state: 'degraded',
        found: `The record ${record} is damaged.`,
        fix: expect.stringContaining('Remove the machine directory'),
      });
    });

    it.runIf(dropsUser)('gives each machine its own user when the server is root', async () => {
      const [first, second] = [await started(), await started()];
      const uids = [first, second].map(
        (machine) => statSync(join(bench.directory, 'data/machines', machine.id, 'home')).uid,
      );
      expect(new Set(uids).size).toBe(2);
      expect(uids.every((uid) => uid >= 200_000)).toBe(true);
      expect(await runInside(first, 'id -u')).toBe(isolation === 'none' ? `0 ${uids[0]}` : '0 1000');
      const leader = JSON.parse(readFileSync(join(bench.directory, 'data/machines', first.id, 'machine.json'), 'utf8'))
        .running.leader;
      expect(statSync(`/proc/${leader.pid}`).uid).toBe(uids[0]);
      await Promise.all([first.destroy(), second.destroy()]);
    });

    it('keeps a machine out of the host password file, other homes and the database', async () => {
      const [attacker, victim] = [await started(), await started()];
      await runInside(victim, 'echo secret > ~/credential');
      const homeOfVictim = join(bench.directory, 'data/machines', victim.id, 'home');
      // Without root, plain machines share the server's user: only bubblewrap or separate users isolate them.
      if (isolation === 'bubblewrap' || dropsUser) {
        for (const path of ['/etc/shadow', join(homeOfVictim, 'credential'), join(database, 'rows')]) {
          expect(await runInside(attacker, `cat ${path}`), path).toMatch(/^1 cat: .*(Permission denied|No such file)/);
          expect(await runInside(attacker, `: >> ${path}`), path).not.toMatch(/^0/);
        }
        expect(await runInside(attacker, `ls ${homeOfVictim}`)).not.toMatch(/^0/);
      } else {
        expect(driver.features.isolation).toContain("they see the host's files");
      }
      await Promise.all([attacker.destroy(), victim.destroy()]);
    });

    // Plain processes share the host's network and processes, so there is nothing to check.
    if (isolation === 'bubblewrap') {
      it('gives a machine loopback and no other network, and only its own processes', async () => {
        const machine = await started();
        const node = (script: string): Promise<string> => runInside(machine, `/opt/node/bin/node -e '${script}'`);
        expect(
          await node(
            'require("net").createServer((s) => s.end("loopback")).listen(3000, "localhost", () => require("net").connect(3000, "127.0.0.1").on("data", (d) => { console.log(String(d)); process.exit() }))',
          ),
        ).toBe('0 loopback');
        expect(await node('require("net").connect(80, "1.1.1.1").on("error", (e) => console.log(e.code))')).toBe(
          '0 ENETUNREACH',
        );
        expect(await runInside(machine, 'tail -n +3 /proc/net/dev | cut -d: -f1')).toBe('0 lo');
        expect(Number((await runInside(machine, 'ls /proc | grep -c "^[0-9]"')).slice(2))).toBeLessThan(10);
        expect(await runInside(machine, 'ls / | grep -vx var')).toBe(
          '0 bin\ndev\netc\nhome\nlib\nlib64\nopt\nproc\nrun\nsbin\ntmp\nusr',
        );
        const fontCache = existsSync('/var/cache/fontconfig') ? '/var\n/var/cache\n/var/cache/fontconfig' : '';
        expect(await runInside(machine, 'find /var -maxdepth 2 2>/dev/null; true')).toBe(`0 ${fontCache}`);
        for (const path of ['/usr/x', '/opt/agent/x', '/var/x', '/var/cache/fontconfig/x'])
          expect(await runInside(machine, `touch ${path}`)).not.toMatch(/^0/);
        await machine.destroy();
      });
    }

    it.runIf(isRoot)('works with data and programs that only root can read', async () => {
      const secluded = join(bench.directory, 'secluded');
      mkdirSync(join(secluded, 'agent'), { recursive: true, mode: 0o700 });
      cpSync(join(import.meta.dirname, '__fixtures__/stand-in-agent.mjs'), join(secluded, 'agent/main.mjs'));
      chmodSync(join(secluded, 'agent/main.mjs'), 0o600);
      const inner = await createProcessDriver({
        dataDirectory: join(secluded, 'data'),
        clock: systemClock,
        isolation,
      });
      const plan = bench.plan();
      const agent = { ...plan.agent, directory: join(secluded, 'agent'), entry: 'main.mjs' };
      const machine = await inner.create({ ...plan, agent }, { signal });
      await machine.start(bench.startOptions());
      const { uid } = statSync(join(secluded, 'data/machines', machine.id, 'home'));
      expect(uid).toBeGreaterThanOrEqual(200_000);
      expect(await runInside(machine, 'id -u')).toBe(isolation === 'bubblewrap' ? '0 1000' : `0 ${uid}`);
      await machine.destroy();
    });

    it('adopts the disk of a machine from before providers had separate homes', async () => {
      const dataDirectory = join(bench.directory, 'earlier');
      const open = () => createProcessDriver({ dataDirectory, clock: systemClock, isolation });
      const plan = bench.plan();
      await (await open()).create(plan, { signal });
      const root = join(dataDirectory, 'machines', plan.machineId);
      rmSync(join(root, 'homes'), { recursive: true });
      const { uid } = statSync(join(root, 'home'));
      for (const folder of ['.codex', 'work']) {
        mkdirSync(join(root, 'home', folder));
        chownSync(join(root, 'home', folder), uid, uid);
      }
      writeFileSync(join(root, 'home/.codex/auth.json'), 'login', { mode: 0o600 });
      writeFileSync(join(root, 'home/work/note'), 'work');
      const ref = { machineId: plan.machineId, role: 'cli', running: false };
      const machine = await (await open()).adopt(ref);
      const path = '~/.codex/auth.json';
      expect(await machine?.disk.harvest('codex', [path])).toEqual([{ path, content: 'login', mode: 0o600 }]);
      await machine?.start(bench.startOptions());
      expect(machine && (await runInside(machine, 'cat ~/work/note'))).toBe('0 work');
      await machine?.destroy();
    });

    it('states that it is for development only and how it handles callback ports', () => {
      expect(driver.features.isolation).toContain('For development only');
      expect(driver.features.loopback).toBe(isolation === 'none' ? 'shared' : 'forwarded');
    });

    it('refuses a second start, disk access while running, and any use once destroyed', async () => {
      const machine = await started();
      await expect(machine.start(bench.startOptions())).rejects.toMatchObject({ code: 'MACHINE_BUSY' });
      await expect(machine.disk.harvest('codex', ['~/.x'])).rejects.toMatchObject({ code: 'MACHINE_BUSY' });
      await expect(machine.connect(22, { signal })).rejects.toMatchObject({ code: 'MACHINE_UNSUPPORTED' });
      await machine.destroy();
      await expect(machine.start(bench.startOptions({ token: new Secret(token) }))).rejects.toMatchObject({
        code: 'MACHINE_UNKNOWN',
      });
    });
  });
}

function processesWith(mark: string): number {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(mark);
    } catch {
      return false;
    }
  }).length;
}
