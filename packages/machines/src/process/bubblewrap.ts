import { compileSeccompFilter } from '../host/seccomp.ts';
import { systemDirectories } from '../host/system-directories.ts';
import { chooseStagingPoint, dropTo } from './drop-privileges.ts';
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
  /** The unprivileged user to switch to first; absent if the server itself is unprivileged. */
  readonly uid: number | undefined;
}

/** Descriptor on which bubblewrap reports the process ID of the sandbox's first process. */
export const INFO_DESCRIPTOR = 3;

/** Descriptor from which bubblewrap reads {@link systemCallFilter}. */
export const FILTER_DESCRIPTOR = 4;

/** The seccomp filter of every machine; `undefined` on an architecture without one. */
export const systemCallFilter = compileSeccompFilter();

/** The host's font cache. Without it, each browser in a machine scans all host fonts before its first paint. */
const FONT_CACHE = '/var/cache/fontconfig';

/** A program with its arguments. Its environment is {@link outerEnvironment}. */
export type CommandLine = readonly [file: string, ...args: string[]];

export const outerEnvironment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } as const;

/**
 * Builds the command that runs a program in a sandbox with new user, process, mount, network, IPC and host name
 * namespaces. It sees only `/usr`, a few files of `/etc` and the given directories; `lo` is its only network interface.
 * Start it with pipes at {@link INFO_DESCRIPTOR} and {@link FILTER_DESCRIPTOR}.
 */
export async function sandboxCommand(request: SandboxRequest): Promise<CommandLine> {
  if (request.uid === undefined) {
    return [request.bubblewrap, ...(await bubblewrapArguments(request, (bind) => bind.source))];
  }
  const sources = request.binds.map((bind) => bind.source);
  const stage = chooseStagingPoint(sources);
  const staged = (_bind: Bind, index: number): string => `${stage}/${index}`;
  return [
    'unshare',
    ...words('--mount --propagation private -- /bin/sh -c'),
    STAGE,
    'stage',
    stage,
    ...sources,
    '--',
    ...dropTo(request.uid),
    '--',
    request.bubblewrap,
    ...(await bubblewrapArguments(request, staged)),
  ];
}

/**
 * Runs as root in a new mount namespace. Bubblewrap opens the sources by path as the unprivileged user (`--bind-fd`
 * resolves the path as well), but they may be in a directory only root can enter. This script mounts them where the
 * user can reach them. It drops root *before* it runs bubblewrap: a user mapped to root is root. It disables core
 * dumps, which would contain tokens.
 */
const STAGE = `set -eu
ulimit -c 0
stage=$1; shift
mount -t tmpfs -o mode=0755,size=64k,nr_inodes=256,nosuid,nodev tmpfs "$stage"
i=0
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "$stage/$i"; else : > "$stage/$i"; fi
  mount --bind -- "$1" "$stage/$i"
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
    ...words(`--die-with-parent --new-session --clearenv --info-fd ${INFO_DESCRIPTOR}`),
    ...(systemCallFilter === undefined ? [] : ['--seccomp', String(FILTER_DESCRIPTOR)]),
    ...words('--ro-bind /usr /usr'),
    ...(await systemDirectories()),
    ...words(`--proc /proc --dev /dev --tmpfs /tmp --perms 0700 --tmpfs ${inside.userRun}`),
    ...[...sharedEtc, FONT_CACHE].flatMap((path) => ['--ro-bind-try', path, path]),
    ...binds,
    // Keep the machine from writing to the mount points that bubblewrap created.
    ...words('--remount-ro /'),
    ...environment,
    ...(request.workingDirectory === undefined ? [] : ['--chdir', request.workingDirectory]),
    '--',
    ...request.argv,
  ];
}

/** Splits options that contain no spaces. */
function words(text: string): readonly string[] {
  return text.split(' ');
}
