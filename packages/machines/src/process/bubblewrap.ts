import { systemDirectories } from '../host/system-directories.ts';
import { INSIDE_UID, sharedEtc } from './etc-files.ts';
import { inside } from './layout.ts';

export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly writable: boolean;
}

export interface SandboxRequest {
  /** Path of `bwrap`. */
  readonly bubblewrap: string;
  readonly binds: readonly Bind[];
  readonly environment: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  readonly workingDirectory?: string;
  /** Descriptor on which bubblewrap tells the number of the sandbox's first process. */
  readonly infoDescriptor: number;
  /** The unprivileged user to become first; absent where the server itself is unprivileged. */
  readonly uid: number | undefined;
}

/** Without it every browser in a machine reads all fonts of the host before it paints anything. */
const FONT_CACHE = '/var/cache/fontconfig';

/** A program with its arguments. Its environment is {@link outerEnvironment}. */
export type CommandLine = readonly [file: string, ...args: string[]];

export const outerEnvironment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } as const;

/**
 * The command that runs a program in a sandbox of its own: user, process, mount, network, IPC and host name
 * are new, `/usr`, a few files of `/etc` and the given directories are all it sees, and `lo` is its whole network.
 */
export async function sandboxCommand(request: SandboxRequest): Promise<CommandLine> {
  if (request.uid === undefined) {
    return [request.bubblewrap, ...(await bubblewrapArguments(request, (bind) => bind.source))];
  }
  const sources = request.binds.map((bind) => bind.source);
  const staged = (_bind: Bind, index: number): string => `/mnt/${index}`;
  const drop = `--reuid=${request.uid} --regid=${request.uid} --clear-groups --inh-caps=-all --ambient-caps=-all`;
  return [
    'unshare',
    ...words('--mount --propagation private -- /bin/sh -c'),
    STAGE,
    'stage',
    ...sources,
    ...words(`-- setpriv ${drop} --bounding-set=-all --no-new-privs --pdeathsig KILL --`),
    request.bubblewrap,
    ...(await bubblewrapArguments(request, staged)),
  ];
}

/**
 * Runs as root in a mount namespace of its own. The sources may lie below a directory only root may enter, and
 * bubblewrap opens them by path as the unprivileged user (`--bind-fd` resolves the path as well), so they
 * are mounted where that user can reach them. The user is dropped *before* bubblewrap: a user mapped to root
 * is root. Core dumps are off, they would hold tokens.
 */
const STAGE = `set -eu
ulimit -c 0
mount -t tmpfs -o mode=0755,size=64k,nr_inodes=256,nosuid,nodev tmpfs /mnt
i=0
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "/mnt/$i"; else : > "/mnt/$i"; fi
  mount --bind -- "$1" "/mnt/$i"
  i=$((i+1)); shift
done
shift
exec "$@"`;

async function bubblewrapArguments(
  request: SandboxRequest,
  sourceOf: (bind: Bind, index: number) => string,
): Promise<readonly string[]> {
  const binds = request.binds.flatMap((bind, index) => [
    bind.writable ? '--bind' : '--ro-bind',
    sourceOf(bind, index),
    bind.target,
  ]);
  const environment = Object.entries(request.environment).flatMap(([name, value]) => ['--setenv', name, value]);
  return [
    ...words('--unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try'),
    ...words(`--hostname machine --uid ${INSIDE_UID} --gid ${INSIDE_UID}`),
    ...words(`--die-with-parent --new-session --clearenv --info-fd ${request.infoDescriptor}`),
    ...words('--ro-bind /usr /usr'),
    ...(await systemDirectories()),
    ...words(`--proc /proc --dev /dev --tmpfs /tmp --perms 0700 --tmpfs ${inside.userRun}`),
    ...[...sharedEtc, FONT_CACHE].flatMap((path) => ['--ro-bind-try', path, path]),
    ...binds,
    // What bubblewrap made to mount things on is not for the machine to fill.
    ...words('--remount-ro /'),
    ...environment,
    ...(request.workingDirectory === undefined ? [] : ['--chdir', request.workingDirectory]),
    '--',
    ...request.argv,
  ];
}

/** Options without a space in any of them. */
function words(text: string): readonly string[] {
  return text.split(' ');
}
