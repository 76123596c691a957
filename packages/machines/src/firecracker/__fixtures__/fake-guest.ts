import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { execa as plainExeca } from 'execa';

import { programPath } from '../../host/programs.ts';
import { giveTree } from '../../host/remove-tree.ts';
import { BLOCK_SIZE, FEATURES } from '../../disk/superblock.ts';
import type { FakeComputer, FakeHardware } from '../../../../testkit/src/fake-firecracker/computer.ts';

/** The jailer left no environment. */
const execa = plainExeca({ env: { PATH: programPath }, extendEnv: false });

/** The machine's ordinary user, inside. */
const USER = 1000;
const AGENT_PORT = 8080;
const CONTROL_PORT = 52;
/** Relative: the way to a jail is longer than an address of a socket may be. */
const AGENT_SOCKET = 'guest/m/agent.sock';

export interface FakeGuestComputer extends FakeComputer {
  readonly listener: (port: number) => ((connection: Socket) => void) | undefined;
}

/**
 * A guest without a kernel: it reads its drives as ours does, and runs the real agent as the real guest does, in a
 * sandbox that has the guest's directories. Its disk is read out when it boots, and written when it sleeps or ends; a
 * killed guest loses what it had not written, like a real one.
 */
export function createFakeGuest(root: string, reboot: () => void): FakeGuestComputer {
  const folder = join(root, 'guest');
  const [upper, drive] = [join(folder, 'upper'), join(folder, 'drive')];
  const bootFile = join(folder, 'boot', 'boot.json');
  let agent: ChildProcess | undefined;
  let hardware: FakeHardware | undefined;
  let isUp = false;

  async function readDrives([, own = '', agentDrive = '']: readonly string[]): Promise<void> {
    for (const path of [folder, drive, join(folder, 'm'), join(folder, 'boot')]) {
      await mkdir(path, { recursive: true, mode: 0o755 });
    }
    await execa('debugfs', ['-R', `rdump /upper ${folder}`, own]);
    await execa('debugfs', ['-R', `rdump / ${drive}`, agentDrive]);
    for (const path of ['home', 'homes']) await mkdir(join(upper, 'sallyport', path), { recursive: true, mode: 0o755 });
    await giveTree(upper, 0);
    await mkdir(join(folder, 'etc'), { recursive: true });
    await writeFile(join(folder, 'etc', 'passwd'), `machine:x:${USER}:${USER}::/sallyport/home:/bin/sh\n`);
  }

  /** All of it at once, on the same file: the jail and the machine's directory have it under two names. */
  async function writeDisk(): Promise<void> {
    const [, own = ''] = hardware?.drives ?? [];
    const tree = join(folder, 'tree');
    await mkdir(tree);
    await giveTree(join(upper, 'sallyport'), USER);
    await rename(upper, join(tree, 'upper'));
    const shape = ['-b', String(BLOCK_SIZE), '-I', '256', '-m', '0', '-J', 'size=8', '-O', `none,${FEATURES}`];
    const lazy = ['-E', 'lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0'];
    await execa('mke2fs', ['-q', '-F', '-t', 'ext4', ...shape, ...lazy, '-d', tree, own]);
    await rename(join(tree, 'upper'), upper);
    await giveTree(upper, 0);
    await rm(tree, { recursive: true });
  }

  /** As socat does in the guest, the agent's socket stands for its loopback port. */
  async function startAgent(boot: string): Promise<void> {
    // A sandbox in this one cannot be had as root: bubblewrap covers parts of /proc then.
    const { bubblewrap: _, ...told } = JSON.parse(boot);
    const config = { ...told, listen: { socket: '/run/m/agent.sock' } };
    await writeFile(bootFile, JSON.stringify(config), { mode: 0o600 });
    await rm(AGENT_SOCKET, { force: true });
    const [program = '', ...words] = sandbox(folder);
    agent = spawn(program, words, { env: { PATH: programPath }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [agent.stdout, agent.stderr]) {
      stream?.on('data', (chunk: Buffer) => hardware?.print(chunk.toString('latin1')));
    }
  }

  async function endAgent(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ending = agent;
    agent = undefined;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'exit');
    // Bubblewrap passes no signal on; in a new namespace the agent is the only node there is.
    if (signal === 'SIGTERM') await execa('pkill', ['-TERM', '-P', String(await firstInside(ending))], { reject: false });
    else ending.kill('SIGKILL');
    await ended;
  }

  /** The same words as `guest/common/etc/sallyport/port` understands. */
  async function obey(line: string): Promise<boolean> {
    const order: { do: string; boot?: string } = JSON.parse(line);
    if (order.do === 'sleep') {
      await endAgent('SIGKILL');
      await writeDisk();
    } else if (order.do === 'wake') {
      await startAgent(Buffer.from(order.boot ?? '', 'base64').toString());
    } else if (order.do === 'stop') {
      void endAgent('SIGTERM').then(writeDisk).then(reboot);
    }
    return true;
  }

  return {
    run: async (from) => {
      hardware = from;
      await readDrives(from.drives);
      isUp = true;
      // One that slept waits for its new token.
      if (from.memory === undefined) await startAgent(await readFile(join(drive, 'boot', 'config.json'), 'utf8'));
    },
    freeze: async () => {
      await endAgent('SIGKILL');
      return 'asleep';
    },
    listener: (port) => {
      if (port === AGENT_PORT && agent) return toAgent;
      if (port !== CONTROL_PORT || !isUp) return undefined;
      return (connection) => {
        createInterface({ input: connection }).on('line', (line) => {
          obey(line).then(
            (ok) => connection.write(`{"ok":${ok}}\n`),
            (error: unknown) => {
              hardware?.print(`${String(error)}\n`);
              connection.write('{"ok":false}\n');
            },
          );
        });
      };
    },
  };
}

function toAgent(connection: Socket): void {
  const inner = connect(AGENT_SOCKET);
  inner.on('error', () => connection.destroy());
  connection.on('error', () => inner.destroy());
  connection.pipe(inner).pipe(connection);
}

/** Bubblewrap's own first process, which has the agent as its child. */
async function firstInside({ pid = 0 }: ChildProcess): Promise<number> {
  const { stdout } = await execa('pgrep', ['-P', String(pid)]);
  return Number(stdout.split('\n')[0]);
}

/** The directories of a guest, with this host's programs in them. */
function sandbox(folder: string): readonly string[] {
  const inside = (name: string): string => join(folder, name);
  return [
    // Root outside is the ordinary user inside.
    `bwrap --unshare-user --uid ${USER} --gid ${USER} --unshare-pid --unshare-net --unshare-ipc --unshare-uts`.split(' '),
    '--die-with-parent --new-session --clearenv'.split(' '),
    '--ro-bind /usr /usr --ro-bind /bin /bin --ro-bind /lib /lib --ro-bind-try /lib64 /lib64'.split(' '),
    ['--ro-bind', inside('etc'), '/etc', '--proc', '/proc', '--dev', '/dev'],
    // What it makes on the way to a directory, only root may enter.
    '--perms 1777 --tmpfs /tmp --perms 755 --dir /run/sallyport --perms 755 --dir /opt'.split(' '),
    ['--ro-bind', inside('drive'), '/run/sallyport/drive', '--ro-bind', inside('boot'), '/run/sallyport/boot'],
    ['--bind', inside('m'), '/run/m', '--bind', inside('upper/sallyport'), '/sallyport'],
    ['--ro-bind', process.execPath, '/opt/node'],
    '--setenv PATH /usr/local/bin:/usr/bin:/bin --setenv HOME /sallyport/home --setenv LANG C.UTF-8'.split(' '),
    '--setenv USER machine --setenv XDG_RUNTIME_DIR /run/m --chdir /sallyport/home --'.split(' '),
    '/opt/node /run/sallyport/drive/agent/main.js --boot /run/sallyport/boot/boot.json'.split(' '),
  ].flat();
}
