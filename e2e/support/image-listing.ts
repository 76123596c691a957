import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A file in an image: its mode with the bits of its type, its owner and group, and its size where that says something. */
export interface ListedFile {
  readonly mode: string;
  readonly owner: string;
  readonly size: string;
}

/** Everything in an ext4, by path. Read with debugfs: nothing is mounted. */
export async function listImage(image: string): Promise<ReadonlyMap<string, ListedFile>> {
  const found = new Map<string, ListedFile>();
  let folders = ['/'];
  while (folders.length > 0) {
    const script = folders.map((folder) => `ls -p "${folder}"`).join('\n');
    const running = promisify(execFile)('/usr/sbin/debugfs', ['-f', '-', image], { maxBuffer: 256 * 1024 * 1024 });
    running.child.stdin?.end(`${script}\n`);
    const below: string[] = [];
    let folder = '';
    for (const line of (await running).stdout.split('\n')) {
      const asked = /^debugfs: ls -p "(.*)"$/.exec(line)?.[1];
      folder = asked ?? folder;
      const [, inode, mode = '', user, group, name = '', size = ''] = line.split('/');
      if (asked !== undefined || inode === undefined || ['', '.', '..'].includes(name)) continue;
      const path = `${folder === '/' ? '' : folder}/${name}`;
      const isDirectory = mode.startsWith('04');
      if (isDirectory) below.push(path);
      found.set(path, { mode, owner: `${user}:${group}`, size: isDirectory ? '' : size });
    }
    folders = below;
  }
  return found;
}
