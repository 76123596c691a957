import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import type { Try } from './setup/leave-overheard.ts';
import { TARGET } from './setup/overheard-host.ts';
import { requirement } from './setup/requirements.ts';

const works = process.geteuid?.() === 0 && requirement('network').met;

/** Names are asked for at, and everything goes to, nothing but the namespace itself. */
const inNamespace = `
mount --make-rprivate /
mount --bind "$1" /etc/resolv.conf
ip link set lo up
ip address add ${TARGET}/32 dev lo
shift
exec "$@"`;

async function leaveOverheard(): Promise<readonly Try[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sp-fail-closed-'));
  try {
    const names = join(folder, 'resolv.conf');
    writeFileSync(names, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n');
    const program = join(import.meta.dirname, 'setup/leave-overheard.ts');
    const words = ['sh', '-ec', inNamespace, 'sh', names, process.execPath, '--conditions=@sallyport/source', program];
    const { stdout } = await promisify(execFile)('unshare', ['--net', '--mount', ...words]);
    const tries: readonly Try[] = JSON.parse(stdout);
    return tries;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.runIf(works)(
  'what is heard of a machine that wants out, at the host it wants to and at the name server',
  () => {
    it('is all of it where it goes straight, and nothing where its proxy is down', async () => {
      const tries = await leaveOverheard();
      const of = (proxy: Try['proxy']) => tries.filter((each) => each.proxy === proxy);
      const [asked, reached] = ['asked for site.test', `reached ${TARGET}`];
      // These two say that whatever leaves is heard.
      expect(of('none').map(({ heard }) => heard)).toEqual([[asked, reached]]);
      expect(of('up').map(({ heard }) => heard)).toEqual(Array.from({ length: 4 }, () => [asked]));

      const closed = { answer: 'HTTP/1.1 502 Bad Gateway' };
      const down = of('down');
      expect(down.map(({ way }) => way)).toEqual(['one http proxy', 'http port', 'one socks5 proxy', 'socks5 port']);
      for (const each of down) expect(each).toMatchObject({ ...closed, heard: [] });
      for (const each of of('refuses the password')) expect(each).toMatchObject({ ...closed, heard: [asked] });
      for (const each of of('up')) expect(each.answer).toMatch(/^HTTP\/1\.1 200 /);
    });
  },
);
