import { join } from 'node:path';

/** Where a machine's things are on this host: `<data directory>/machines/<machine id>/`. */
export interface MachineLayout {
  readonly root: string;
  /** The agent's home, with the working directory that all CLIs share. Of a browser machine, the home of its one CLI. */
  readonly home: string;
  /** A directory for the homes of a CLI machine's providers. */
  readonly homes: string;
  /** The agent's sockets and small files; emptied before each start. */
  readonly run: string;
  /** What the machine sees of `/etc` and is not the host's. */
  readonly etc: string;
  readonly record: string;
  /** Copies of programs that only the server's user may read, for all machines. */
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

/** Machine ids become directory names: nothing else that lies there is taken for one. */
export function isMachineId(name: string): boolean {
  return /^m-[a-z0-9-]{1,60}$/.test(name);
}

/** The same things as the machine itself sees them, under bubblewrap. */
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
