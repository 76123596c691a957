/**
 * As whom, and how, PostgreSQL's programs run on this host. They refuse to run as root, so root has to become another user
 * else and must still reach directories that only root may enter. No operating-system account is ever made for this.
 */
export interface Launcher {
  readonly name: string;
  /** Who has to own the cluster's files; `undefined` means us. */
  readonly owner: number | undefined;
  /** The owner has to be let through the directory that holds the cluster's. */
  readonly opensDirectory?: boolean;
  /** The command line. Nothing forks on the way, so the child's pid is the program's own. */
  command(folders: ClusterDirectories, program: (seen: ClusterDirectories) => readonly string[]): readonly string[];
}

export interface ClusterDirectories {
  /** PostgreSQL itself: holds `bin`, `lib` and `share`. */
  readonly native: string;
  readonly data: string;
  readonly socket: string;
  /** A passwd file that names the owner: initdb looks itself up, even when told a user name. */
  readonly passwd: string;
}

/** As the user that runs the server, and no longer than the server runs. */
export const direct: Launcher = {
  name: 'directly',
  owner: undefined,
  command: (folders, program) => withParent(program(folders)),
};

/** Where nothing can end a child with its parent (macOS, Alpine): the next start ends what was left. */
export const unattended: Launcher = {
  name: 'without supervision',
  owner: undefined,
  command: (folders, program) => program(folders),
};

/**
 * Root, properly isolated: the directories are bound to where everybody may enter, in a mount namespace that only this
 * process has, and then root is given up. Needs CAP_SYS_ADMIN.
 */
export function staged(uid: number): Launcher {
  const seen = { native: `${stage}/0`, data: `${stage}/1`, socket: `${stage}/2`, passwd: '/etc/passwd' };
  return {
    name: 'through a separate mount namespace',
    owner: uid,
    command: ({ native, data, socket, passwd }, program) =>
      ['unshare', '--mount', '--propagation', 'private', '--', '/bin/sh', '-c', stagingScript, 'stage'].concat(
        [passwd, native, data, socket, '--'],
        asUser(uid, program(seen)),
      ),
  };
}

/** Root under another name: the files stay root's, and the program takes itself for a user in /etc/passwd. */
export function renamed(uid: number): Launcher {
  return {
    name: 'through a user namespace',
    owner: undefined,
    command: (folders, program) =>
      ['unshare', '--user', `--map-user=${uid}`, `--map-group=${uid}`, '--'].concat(withParent(program(folders))),
  };
}

/** Root, given up at once: works where every directory on the way may be entered by everybody. */
export function dropped(uid: number): Launcher {
  return {
    name: `as uid ${uid}`,
    owner: uid,
    opensDirectory: true,
    command: (folders, program) => asUser(uid, program(folders)),
  };
}

const stage = '/mnt';

const stagingScript = `set -eu
mount -t tmpfs -o mode=0755,size=64k,nr_inodes=16,nosuid,nodev tmpfs ${stage}
mount --bind -- "$1" /etc/passwd
shift
number=0
while [ "$1" != -- ]; do
  mkdir "${stage}/$number"
  mount --bind -- "$1" "${stage}/$number"
  number=$((number + 1))
  shift
done
shift
exec "$@"`;

/** Quit is PostgreSQL's immediate shutdown: bounded, and it takes its own children along, as KILL would not. */
const endWithParent = ['--pdeathsig', 'QUIT'];

/** The order matters: a change of uid clears the parent-death signal (prctl(2)), and setpriv sets it last. */
function asUser(uid: number, program: readonly string[]): readonly string[] {
  const identity = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--inh-caps=-all', '--no-new-privs'];
  return ['setpriv', ...identity, ...endWithParent, '--', ...program];
}

function withParent(program: readonly string[]): readonly string[] {
  return ['setpriv', ...endWithParent, '--', ...program];
}
