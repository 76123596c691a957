import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { open, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { systemClock } from '@sallyport/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { HANG_LIMIT_MS } from '../support/hang-limit.ts';

import { connectViewer } from '../../packages/agent/src/desktop/__fixtures__/rfb-viewer.ts';
import { startFakeSite } from '../../packages/agent/src/desktop/__fixtures__/fake-site.ts';
import type { FakeSite } from '../../packages/agent/src/desktop/__fixtures__/fake-site.ts';
import { findForkMarks } from '../../packages/agent/src/desktop/renew-browser.ts';

const isRoot = process.getuid?.() === 0;
/** Nobody's: the tests run the desktop as this user when they themselves run as root. */
const ordinaryUser = isRoot ? 64_123 : undefined;

describe('the desktop', () => {
  const leftovers: (() => void | Promise<void>)[] = [];
  let site: FakeSite | undefined;

  const certificates = mkdtempSync(join(tmpdir(), 'sallyport-site-'));

  beforeAll(async () => {
    site = await startFakeSite(certificates);
  });

  afterAll(() => {
    site?.close();
    rmSync(certificates, { recursive: true });
  });

  afterEach(async () => {
    for (const undo of leftovers.splice(0).toReversed()) await undo();
  });

  /** A process with its own desktop, see `__fixtures__/run-desktop.ts`. */
  async function run() {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-desktop-'));
    const paths = { runtime: join(folder, 'run') };
    for (const path of Object.values(paths)) mkdirSync(path, { mode: 0o700 });
    for (const path of [folder, ...Object.values(paths)]) {
      if (ordinaryUser !== undefined) chownSync(path, ordinaryUser, ordinaryUser);
    }
    const viewerSocket = join(folder, 'viewer.sock');
    const { proxyPort, certificateAuthority } = site ?? {};
    const options = { user: ordinaryUser, ...paths, viewerSocket, proxyPort, certificateAuthority };
    const child = spawn(
      process.execPath,
      [
        '--conditions=@sallyport/source',
        join(import.meta.dirname, '../../packages/agent/src/desktop/__fixtures__/run-desktop.ts'),
        JSON.stringify(options),
      ],
      { env: { PATH: process.env['PATH'] }, stdio: ['pipe', 'pipe', 'inherit'] },
    );
    leftovers.push(async () => {
      child.stdin.end();
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
      rmSync(folder, { recursive: true, force: true });
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<{ type: string; message?: string; vncSocket?: string }> => {
      const { value } = await lines.next();
      return JSON.parse(value ?? '{"type":"nothing"}');
    };
    const tell = async (command: object) => {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return await next();
    };
    return { ...paths, viewerSocket, child, next, tell };
  }

  it('shows an https page through the proxy, trusting the given authority', async () => {
    const desktop = await run();
    expect(await desktop.next()).toMatchObject({ type: 'ready' });
    const viewer = await connectViewer(`ws+unix://${desktop.viewerSocket}:/vnc`);
    expect(viewer.size).toEqual({ width: 800, height: 600 });
    expect(await viewer.pixel()).not.toBe('cc0000');

    expect(await desktop.tell({ open: 'https://sign-in.example/?code=1' })).toEqual({ type: 'opened' });
    await expect.poll(() => viewer.pixel(), { timeout: HANG_LIMIT_MS }).toBe('cc0000');
    expect(site?.asked).toContain('sign-in.example:443');
    viewer.close();
  });

  it('opens https only, and does not repeat the link when it cannot be opened', async () => {
    const desktop = await run();
    await desktop.next();
    expect(await desktop.tell({ open: 'file:///etc/passwd' })).toMatchObject({
      type: 'refused',
      message: expect.stringContaining('https pages only'),
    });
    const refused = await desktop.tell({ open: 'https://elsewhere.example/?code=canary' });
    expect(refused).toMatchObject({ type: 'refused', message: expect.stringContaining('https://elsewhere.example') });
    expect(refused.message).not.toContain('canary');
  });

  it("is reachable through private unix sockets alone, and keeps the browser's sandbox on", async () => {
    const desktop = await run();
    const { vncSocket = '' } = await desktop.next();
    expect(statSync(vncSocket).mode & 0o777).toBe(0o600);
    const processes = await descendants(desktop.child);
    expect(processes.map((process) => process.name)).toEqual(
      expect.arrayContaining(['Xtigervnc', 'openbox', 'chromium']),
    );
    for (const { environ, commandLine, pid } of processes) {
      expect(commandLine).not.toContain('--no-sandbox');
      expect(commandLine).not.toContain('--remote-debugging-port');
      expect(await listeningTcpSockets(pid)).toEqual([]);
      // Only what was given explicitly: nothing of the test's own environment.
      expect(environ).not.toContain('VITEST');
    }
    const renderers = processes.filter((process) => process.commandLine.includes('--type=renderer'));
    expect(renderers.length).toBeGreaterThan(0);
    for (const renderer of renderers) expect(renderer.status).toMatch(/^Seccomp:\s+2$/m);
  });

  it('has its random numbers for TLS seeded again, in the process that it has', async () => {
    const desktop = await run();
    await desktop.next();
    const network = async (): Promise<number[]> =>
      (await descendants(desktop.child))
        .filter(({ commandLine }) => commandLine.includes('--utility-sub-type=network.mojom.NetworkService'))
        .map(({ pid }) => pid);
    expect(await desktop.tell({ open: 'https://sign-in.example/?code=1' })).toEqual({ type: 'opened' });
    const [pid = 0] = await network();
    // BoringSSL has drawn in it: it marks its page then.
    expect(await forkMarks(pid)).toContain(1);
    expect(await desktop.tell({ renew: true })).toEqual({ type: 'renewed' });
    expect(await forkMarks(pid)).not.toContain(1);
    expect(await desktop.tell({ open: 'https://sign-in.example/?code=2' })).toEqual({ type: 'opened' });
    expect(await network()).toEqual([pid]);
    await expect.poll(() => forkMarks(pid)).toContain(1);
  });

  it('ends every process and removes its files when it is stopped', async () => {
    const desktop = await run();
    await desktop.next();
    const before = await descendants(desktop.child);
    expect(before.length).toBeGreaterThan(3);
    expect(await desktop.tell({ stop: true })).toEqual({ type: 'stopped' });
    await expect
      .poll(async () => await alive(before.map((process) => process.pid)), { timeout: HANG_LIMIT_MS })
      .toEqual([]);
    expect(await readdir(desktop.runtime)).toEqual([]);
  });

  it('says what was lost when a part dies, and stops the rest', async () => {
    const desktop = await run();
    await desktop.next();
    const before = await descendants(desktop.child);
    const screen = before.find((process) => process.name === 'Xtigervnc');
    process.kill(screen?.pid ?? 0, 'SIGKILL');
    expect(await desktop.next()).toEqual({ type: 'exit', message: expect.stringMatching(/^The desktop was lost: /) });
    await expect
      .poll(async () => await alive(before.map((process) => process.pid)), { timeout: HANG_LIMIT_MS })
      .toEqual([]);
  });
});

/** The first byte of each page that a child of a process finds empty. */
async function forkMarks(pid: number): Promise<readonly number[]> {
  const places = findForkMarks(await readFile(`/proc/${pid}/smaps`, 'utf8'));
  await using memory = await open(`/proc/${pid}/mem`, 'r');
  return Promise.all(places.map(async ({ start }) => (await memory.read(Buffer.alloc(1), 0, 1, start)).buffer[0] ?? 0));
}

interface ProcessView {
  readonly pid: number;
  readonly name: string;
  readonly commandLine: string;
  readonly environ: string;
  readonly status: string;
}

/** Every process below one, also those that were handed to init but still carry the directory in their command line. */
async function descendants(root: ChildProcess): Promise<ProcessView[]> {
  const { stdout } = await promisify(execFile)('ps', ['-e', '-o', 'pid=,ppid=']);
  const parents = new Map(stdout.split('\n').flatMap((line) => pair(line)));
  const isBelow = (pid: number): boolean => pid === root.pid || (pid > 1 && isBelow(parents.get(pid) ?? 0));
  const pids = [...parents.keys()].filter((pid) => pid !== root.pid && isBelow(pid));
  const views = await Promise.all(pids.map(async (pid) => await look(pid).catch(() => undefined)));
  return views.filter((view) => view !== undefined);
}

function pair(line: string): [number, number][] {
  const [pid, parent] = line.trim().split(/\s+/).map(Number);
  return pid === undefined || parent === undefined ? [] : [[pid, parent]];
}

async function look(pid: number): Promise<ProcessView> {
  const read = async (name: string): Promise<string> => await readFile(`/proc/${pid}/${name}`, 'utf8');
  const [commandLine, environ, status, name] = await Promise.all(['cmdline', 'environ', 'status', 'comm'].map(read));
  return {
    pid,
    name: (name ?? '').trim(),
    commandLine: (commandLine ?? '').replaceAll('\0', ' '),
    environ: environ ?? '',
    status: status ?? '',
  };
}

async function alive(pids: readonly number[]): Promise<number[]> {
  await systemClock.sleep(20);
  const states = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      // A zombie has ended; it only waits for init to notice.
      return status !== '' && !/^State:\s+Z/m.test(status) ? [pid] : [];
    }),
  );
  return states.flat();
}

/** Inodes of the TCP sockets this process listens on. */
async function listeningTcpSockets(pid: number): Promise<string[]> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map(async (table) => await readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')),
  );
  const listening = new Set(
    tables
      .join('\n')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => `socket:[${fields[9]}]`),
  );
  const { stdout } = await promisify(execFile)('find', [
    `/proc/${pid}/fd`,
    '-lname',
    'socket:*',
    '-printf',
    '%l\n',
  ]).catch(() => ({ stdout: '' }));
  return stdout.split('\n').filter((link) => listening.has(link));
}
