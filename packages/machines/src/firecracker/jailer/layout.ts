import { rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { checkInstanceId, checkSocketPath } from '../names.ts';
import { jail } from '../boot-sequence.ts';

/** Where a jail is on the host. The jailer makes it so; nothing of it is ours to choose but the base and the id. */
export interface JailLayout {
  /** `<base>/<program>/<id>`: made first and removed last, so it is what a later server finds a machine by. */
  readonly directory: string;
  /** `/` of the jailed process. */
  readonly root: string;
  /** Number of the process, as this host counts. */
  readonly pidFile: string;
  readonly apiSocket: string;
  readonly vsock: string;
  /** Of the control group, below where the hierarchy is mounted. */
  readonly cgroup: string;
}

/** The hierarchy of control groups of this host. */
export interface ControlGroups {
  /** Where it is mounted. */
  readonly mount: string;
  /** Takes a group away. In the kernel's file system a directory goes with what is in it, elsewhere it does not. */
  remove(folder: string): Promise<void>;
}

export const hostControlGroups: ControlGroups = { mount: '/sys/fs/cgroup', remove: (folder) => rmdir(folder) };

/** Inside the jail. */
export const API_SOCKET = '/run/fc.sock';

/** All machines are below it, so what they take together is in one place. */
export const PARENT_CGROUP = 'sallyport';

/** Refuses names that would make a socket's path too long, before anything is started. */
export function jailLayout(baseDirectory: string, firecracker: string, id: string): JailLayout {
  checkInstanceId(id);
  const program = basename(firecracker);
  const directory = join(baseDirectory, program, id);
  const root = join(directory, 'root');
  const layout = {
    directory,
    root,
    pidFile: join(root, `${program}.pid`),
    apiSocket: join(root, API_SOCKET),
    vsock: join(root, jail.vsock),
    cgroup: join(PARENT_CGROUP, id),
  };
  checkSocketPath(layout.apiSocket);
  checkSocketPath(layout.vsock);
  return layout;
}
