import type { HostNeed } from '../test/setup/debian-packages.ts';

/** A directory of end-to-end tests, with what it needs of the host. */
export interface Group {
  /** What it shows, in a few words. */
  readonly about: string;
  readonly needs: readonly HostNeed[];
  /** Starts virtual machines from images with every CLI, and from a kernel of ours. Both are built first if need be. */
  readonly usesMachineImages: boolean;
}

const group = (about: string, needs: readonly HostNeed[], usesMachineImages = false): Group => ({
  about,
  needs,
  usesMachineImages,
});

const processes = ['bubblewrap', 'desktop'] as const;
const machines = [...processes, 'network', 'disks', 'virtualMachines', 'ownKernel'] as const;

/** Every group, in the order in which `npm run e2e` runs them. */
export const groups: Readonly<Record<string, Group>> = {
  smoke: group('the main job, once each way; part of every CI run', [...processes, 'virtualMachines']),
  host: group('the programs, network, sandboxes and database of this host; part of every CI run', [
    'bubblewrap',
    'network',
  ]),
  packages: group('every package, packed and installed outside the repository; examples/nextjs; deploy/', [
    ...processes,
    'deployment',
  ]),
  clis: group('each real CLI against its fake vendor', ['bubblewrap', 'tracing']),
  desktop: group('the screen and browser of a machine', ['desktop']),
  database: group('the store by each route, on two PostgreSQL releases; examples/supabase', ['postgres', 'desktop']),
  main: group('the whole product, with the real Codex CLI', processes),
  proxy: group('a product that embeds the server, behind nginx with TLS', [...processes, 'proxy', 'firefox']),
  providers: group('the other CLIs, every method, and rotation', processes),
  machines: group('virtual machines: images, isolation, disks, crashes', machines, true),
  long: group('virtual machines at length: logins, kills, memory', [...machines, 'scripts'], true),
};
