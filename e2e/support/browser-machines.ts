import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { agentBundle } from '@sallyport/agent';
import { Secret, systemClock } from '@sallyport/core';
import { newBootToken, newMachineId, untilDesktop } from '@sallyport/core/driver';
import { AGENT_PORT } from '@sallyport/core/protocol';
import type { Machine } from '@sallyport/core/driver';
import type { EgressRoute } from '@sallyport/core/egress';
import type { AgentClient } from '@sallyport/core/protocol';
import { connectAgent, createBridgeNetwork, createQemuDriver } from '@sallyport/machines';
import type { QemuDriver } from '@sallyport/machines';

import { startFakeSite } from '../../packages/agent/src/desktop/__fixtures__/fake-site.ts';
import { connectViewer } from '../../packages/agent/src/desktop/__fixtures__/rfb-viewer.ts';
import { writeProbeCli } from '../../packages/testkit/src/driver-suite/probe-cli.ts';
import { imageStore } from './images.ts';

/** Browser machines in QEMU whose egress leads to one fake page. */
export interface BrowserMachines {
  readonly dataDirectory: string;
  /** What the driver had to say. */
  readonly log: readonly string[];
  open(options?: { readonly templates?: boolean }): Promise<QemuDriver>;
  /** A new machine, until its agent answers. */
  start(driver: QemuDriver): Promise<BrowserMachine>;
  /** Has its browser show the page, and waits until it is painted. */
  show(machine: BrowserMachine): Promise<Shown>;
  close(): Promise<void>;
}

export interface BrowserMachine {
  readonly machine: Machine;
  readonly agent: AgentClient;
  readonly token: Secret;
  /** Of performance.now(), when it was asked for. */
  readonly began: number;
  /** From then until its agent answered. */
  readonly agentMs: number;
}

/** From when the machine was asked for. */
export interface Shown {
  readonly desktopMs: number;
  readonly pageMs: number;
}

export const probeProvider = 'probe';
const PAGE = 'https://sign-in.example/';
const PAGE_COLOUR = 'cc0000';
/** An emulated processor on a busy host. */
const PATIENCE_MS = 400_000;

export async function createBrowserMachines(): Promise<BrowserMachines> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sp-browsers-')));
  await chmod(folder, 0o711);
  const dataDirectory = join(folder, 'data');
  const certificates = join(folder, 'certificates');
  await mkdir(certificates);
  const site = await startFakeSite(certificates);
  const egressSocket = join(folder, 'egress.sock');
  const egressServer = await listen(egressSocket, () => connect(site.proxyPort, '127.0.0.1'));
  const egress: EgressRoute = {
    socketPath: egressSocket,
    certificateAuthority: site.certificateAuthority,
    close: async () => {},
  };
  const cli = await writeProbeCli(folder, probeProvider);
  const log: string[] = [];
  const opened: QemuDriver[] = [];

  async function start(driver: QemuDriver): Promise<BrowserMachine> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const plan = {
      machineId: newMachineId(),
      userId: 'somebody',
      role: 'browser',
      memoryMb: 1536,
      vcpus: 1,
      diskMb: 1024,
      labels: {},
      desktop: { width: 1280, height: 800 },
      agent: agentBundle(),
      clis: [cli],
    } as const;
    const token = newBootToken();
    const began = performance.now();
    const machine = await driver.create(plan, { signal });
    await machine.start({ epoch: 1, token, egress, signal });
    const agent = connectAgent(machine, token);
    return { machine, agent, token, began, agentMs: performance.now() - began };
  }

  async function show({ machine, agent, token, began }: BrowserMachine): Promise<Shown> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    await untilDesktop(agent, signal);
    const desktopMs = performance.now() - began;
    const viewerSocket = join(folder, `${machine.id}.sock`);
    const server = await listen(viewerSocket, () => machine.connect(AGENT_PORT, { signal }));
    const headers = { authorization: `Bearer ${token.reveal()}` };
    const viewer = await connectViewer(`ws+unix://${viewerSocket}:/vnc`, { headers });
    try {
      await agent.openPage(PAGE);
      while ((await viewer.pixel()) !== PAGE_COLOUR) await systemClock.sleep(20, signal);
      return { desktopMs, pageMs: performance.now() - began };
    } finally {
      viewer.close();
      server.close();
    }
  }

  return {
    dataDirectory,
    log,
    open: async ({ templates = true } = {}) => {
      const network = createBridgeNetwork({ dataDirectory, clock: systemClock, quarantineMs: 1000 });
      const driver = await createQemuDriver({
        dataDirectory,
        clock: systemClock,
        network,
        images: imageStore,
        templates,
        log: (message) => void log.push(message),
      });
      opened.push(driver);
      return driver;
    },
    start,
    show,
    close: async () => {
      for (const driver of opened) {
        for (const ref of await driver.list()) await (await driver.adopt(ref))?.destroy();
        await driver.close();
      }
      egressServer.close();
      site.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The directory of the one template, once it is whole. */
export async function templateMade({ dataDirectory, log }: BrowserMachines): Promise<string> {
  const directory = join(dataDirectory, 'qemu-templates');
  for (const until = performance.now() + PATIENCE_MS; performance.now() < until; await systemClock.sleep(200)) {
    const name = (await readdir(directory).catch(() => [])).find((one) => /^[0-9a-f]{32}$/.test(one));
    if (name !== undefined) return join(directory, name);
    if (log.length > 0) throw new Error(log.join(' '));
  }
  throw new Error('No template was made.');
}

/** The one its agent had, from the drive that every machine after it has a copy of. */
export async function templateToken(template: string): Promise<Secret> {
  const words = ['-R', 'cat /boot/config.json', join(template, 'agent.ext4')];
  const { stdout } = await promisify(execFile)('/usr/sbin/debugfs', words);
  const { token }: { token: string } = JSON.parse(stdout);
  return new Secret(token);
}

async function listen(
  path: string,
  open: () => Promise<NodeJS.ReadWriteStream> | NodeJS.ReadWriteStream,
): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    const carry = async (): Promise<void> => {
      const other = await open();
      other.on('error', () => socket.destroy());
      socket.pipe(other).pipe(socket);
    };
    carry().catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}
