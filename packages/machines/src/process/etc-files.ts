import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { inside } from './layout.ts';

/** UID a machine sees for itself, regardless of its UID on the host. */
export const INSIDE_UID = 1000;

/** Files of the host's `/etc` that programs in a machine need and that reveal nothing about the host. */
export const sharedEtc: readonly string[] = [
  '/etc/alternatives',
  '/etc/fonts',
  '/etc/ld.so.cache',
  '/etc/localtime',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
  '/etc/X11/xkb',
  '/etc/xdg/openbox',
];

const generated: Readonly<Record<string, string>> = {
  passwd: [
    'root:x:0:0:root:/nonexistent:/usr/sbin/nologin',
    `machine:x:${INSIDE_UID}:${INSIDE_UID}:Machine:${inside.home}:/bin/sh`,
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    '',
  ].join('\n'),
  group: `root:x:0:\nmachine:x:${INSIDE_UID}:\nnogroup:x:65534:\n`,
  // A machine has no name service: without this file even `localhost` does not resolve.
  hosts: '127.0.0.1 localhost machine\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
};

/** Writes the generated files and returns a pair for each: host path, path in the machine. */
export async function writeEtcFiles(directory: string): Promise<readonly (readonly [string, string])[]> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  return Promise.all(
    Object.entries(generated).map(async ([name, content]) => {
      const path = join(directory, name);
      await writeFile(path, content, { mode: 0o644 });
      return [path, `/etc/${name}`] as const;
    }),
  );
}
