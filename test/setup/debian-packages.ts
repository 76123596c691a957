import { spawnSync } from 'node:child_process';

/**
 * The Debian packages behind each thing that tests need of a host, besides Node. The only list of them: unit tests, the
 * end-to-end groups and CI all read it.
 */
export const debianPackages = {
  /** Keeps processes of a machine apart. */
  bubblewrap: ['bubblewrap'],
  /** Recording which files a CLI looks for. */
  tracing: ['strace'],
  /** A screen and a browser in a machine. */
  desktop: [
    'tigervnc-standalone-server',
    'x11-xkb-utils',
    'openbox',
    'chromium',
    'libnss3-tools',
    'fonts-dejavu-core',
    'fonts-noto-cjk',
  ],
  /** Another release than the embedded one, and a pooler of its connections. */
  postgres: ['postgresql', 'pgbouncer'],
  /** A proxy in front of the server, and its certificate. */
  proxy: ['nginx-light', 'openssl'],
  /** Another browser of a user. */
  firefox: ['firefox-esr'],
  /** A bridge of virtual machines. */
  network: ['iproute2', 'nftables'],
  /** Disks of virtual machines. */
  disks: ['e2fsprogs'],
  /** Building a root file system, as root or not, and booting it. */
  virtualMachines: ['qemu-system-x86', 'mmdebstrap', 'e2fsprogs', 'uidmap', 'socat'],
  /** Compiling the kernel that boots in `microvm` and in Firecracker. */
  ownKernel: ['gcc', 'libc6-dev', 'libelf-dev', 'make', 'flex', 'bison', 'bc', 'binutils', 'xz-utils'],
  /** Checking the files in `deploy/`. */
  deployment: ['docker-compose', 'systemd', 'buildah', 'mmdebstrap'],
  /** A script that looks at a deployment from outside. */
  scripts: ['curl', 'jq'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type HostNeed = keyof typeof debianPackages;

/** Every package for these needs, each once. */
export function packagesFor(needs: readonly HostNeed[]): readonly string[] {
  return [...new Set(needs.flatMap((need) => debianPackages[need]))];
}

/** Those of the packages that this host does not have. `undefined` where the host is not a Debian and cannot tell. */
function missingPackages(packages: readonly string[]): readonly string[] | undefined {
  const options = { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } } as const;
  const query = spawnSync('dpkg-query', ['-W', '-f=${Package} ${Status}\n', ...packages], options);
  if (query.error) return undefined;
  const installed = new Set(
    query.stdout
      .split('\n')
      .filter((line) => line.endsWith(' install ok installed'))
      .map((line) => line.split(' ')[0]),
  );
  return packages.filter((name) => !installed.has(name));
}

/** Whether one of these needs is missing on this host, or it cannot tell. Networks are built as root only. */
export function missesNeed(needs: readonly HostNeed[]): boolean {
  if (needs.includes('network') && process.geteuid?.() !== 0) return true;
  return missingPackages(packagesFor(needs))?.length !== 0;
}

/** The command that installs packages, for the user who runs this. */
export function installCommand(packages: readonly string[]): string {
  const sudo = process.geteuid?.() === 0 ? '' : 'sudo ';
  return `${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/** Makes sure that packages are there: installs them in CI, and elsewhere says how to. `false` if they are not. */
export function ensurePackages(needs: readonly HostNeed[], purpose: string): boolean {
  const missing = missingPackages(packagesFor(needs));
  if (missing === undefined || missing.length === 0) return true;
  const command = installCommand(missing);
  if (process.env['CI'] !== 'true') {
    console.error(
      `${purpose} needs packages that this host does not have. Install them, then run it again:\n  ${command}`,
    );
    return false;
  }
  console.log(`Installing for ${purpose}: ${missing.join(', ')}.`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = spawnSync('sh', ['-ec', `(${command}) >/dev/null`], { stdio: 'inherit', env });
  if (install.status !== 0) console.error(`Installing failed: ${command}`);
  return install.status === 0;
}
