import { execFile } from 'node:child_process';
import { appendFile, chmod, chown, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { createImageStore, ROOT_FILE } from '@sallyport/machines';
import type { Image } from '@sallyport/machines';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { listImage } from '../support/image-listing.ts';
import { buildOf, imageStore, installClis, machineImages } from '../support/images.ts';

const run = promisify(execFile);
const { signal } = new AbortController();
const isRoot = process.getuid?.() === 0;
const builder = 64_130;
const firstSubordinate = 1_000_000;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-e2e-'));
  // In its namespace the builder is another user, who has to get through this directory.
  await chmod(folder, 0o711);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it.runIf(isRoot)(
  'an ordinary user builds the very image that root builds: the same files, owners and modes',
  async () => {
    // The directory of those is root's own.
    await installClis();
    const ofUser = await buildAsOrdinaryUser();
    const { cli } = await machineImages();
    // Debian may have had newer packages meanwhile.
    const isSame = JSON.stringify(cli.packages) === JSON.stringify(ofUser.packages);
    const ofRoot = isSame ? cli : await refresh();
    expect(ofUser.inputs).toBe(ofRoot.inputs);
    expect(ofUser.packages).toEqual(ofRoot.packages);
    await run('/usr/sbin/e2fsck', ['-fn', join(ofUser.directory, ROOT_FILE)]);
    const [files, expected] = await Promise.all([ofUser, ofRoot].map(listRoot));
    expect(files).toEqual(expected);
    expect(files?.get('/usr/bin/su')).toMatchObject({ mode: '104755', owner: '0:0' });
    expect(files?.get('/sallyport/home')).toMatchObject({ mode: '040700', owner: '1000:1000' });
    expect([...(files?.keys() ?? [])].filter((path) => /^\/(dev|proc|sys|tmp)\//.test(path))).toEqual([]);
  },
  900_000,
);

/**
 * As a user that exists in a mount namespace alone, with a range of subordinate numbers (subuid(5)): the files
 * that say so are covered there, and this host is left as it is.
 */
async function buildAsOrdinaryUser(): Promise<Image> {
  const own = join(folder, 'etc');
  const repository = join(folder, 'repository');
  const directory = join(folder, 'images');
  for (const path of [own, repository, directory]) await mkdir(path);
  await chown(directory, builder, builder);
  for (const name of ['passwd', 'group']) await copyFile(`/etc/${name}`, join(own, name));
  await appendFile(join(own, 'passwd'), `sallyport-builder:x:${builder}:${builder}::/nonexistent:/bin/sh\n`);
  await appendFile(join(own, 'group'), `sallyport-builder:x:${builder}:\n`);
  for (const name of ['subuid', 'subgid']) {
    await writeFile(join(own, name), `sallyport-builder:${firstSubordinate}:65536\n`);
  }
  const script = `
    for name in passwd group subuid subgid; do
      mount --bind "$1/$name" /etc/$name
    done
    # It may lie where only root can go.
    mount --bind "$2" "$3"
    cd "$3"
    exec setpriv --reuid=${builder} --regid=${builder} --clear-groups --inh-caps=-all -- \\
      node_modules/.bin/node --conditions=@sallyport/source e2e/support/run-image-build.ts "$4"`;
  const words = ['--mount', '--propagation=private', 'sh', '-ec', script, 'sh', own];
  await run('unshare', [...words, resolve(import.meta.dirname, '../..'), repository, directory], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return createImageStore({ directory }).open('cli', { signal });
}

async function refresh(): Promise<Image> {
  return imageStore.ensure(await buildOf('cli'), { signal, refresh: true, now: new Date(), onProgress: () => {} });
}

function listRoot({ directory }: Image): ReturnType<typeof listImage> {
  return listImage(join(directory, ROOT_FILE));
}
