import { join } from 'node:path';

/** Paths of a machine on this host: `<data directory>/machines/<machine id>/`. */
export interface MachineLayout {
  readonly root: string;
  /** The agent's home, with the working directory that all CLIs share. In a browser machine, the home of its only CLI. */
  readonly home: string;
  /** Contains the provider homes of a CLI machine. */
  readonly homes: string;
  /** The agent's sockets and small files; emptied before each start. */
  readonly run: string;
  /** Generated `/etc` files that replace the host's. */
  readonly etc: string;
  readonly record: string;
  /** Copies, shared by all machines, of programs that only the server's user can read. */
  readonly programs: string;
}

export function machinesDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'machines');
}

export function machineLayout(dataDirectory: string, machineId: string): MachineLayout {
  const root = join(machinesDirectory(dataDirectory), machineId);
  return {
    root,
    home: join(root, 'home'),
    homes: join(root, 'homes'),
    run: join(root, 'run'),
    etc: join(root, 'etc'),
    record: join(root, 'machine.json'),
    programs: join(dataDirectory, 'machine-programs'),
  };
}

/** Checks whether a directory name is a valid machine ID. */
export function isMachineId(name: string): boolean {
  return /^m-[a-z0-9-]{1,60}$/.test(name);
}

/** The same paths as a machine sees them under bubblewrap. */
export const inside = {
  home: '/home/machine',
  homes: '/home/providers',
  bubblewrap: '/opt/bwrap',
  run: '/run/m',
  userRun: '/run/u',
  egress: '/run/egress.sock',
  node: '/opt/node/bin/node',
  agent: '/opt/agent',
  cli: (provider: string): string => `/opt/cli/${provider}`,
} as const;

export const AGENT_SOCKET = 'agent.sock';
