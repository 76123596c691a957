import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createImageStore } from '@sallyport/machines';
import type { Image } from '@sallyport/machines';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { runCommand } from '../../../../test/setup/run-command.ts';
import { openDataDirectory } from '../data-directory/data-directory.ts';
import { registerImages } from './images.ts';

const { signal } = new AbortController();
let dataDirectory: string;
let printed: string[];
let driver: unknown;

beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'sallyport-images-'));
  printed = [];
  driver = 'qemu';
});

afterEach(() => rm(dataDirectory, { recursive: true }));

function build(inputs: string, day = 1): Promise<Image> {
  return createImageStore({ directory: join(dataDirectory, 'images') }).ensure(
    {
      kind: 'cli',
      inputs,
      run: async ({ scratch }) => {
        await writeFile(join(scratch, 'made'), inputs);
        return { files: { 'root.ext4': join(scratch, 'made') }, programs: {}, packages: [] };
      },
    },
    { signal, now: new Date(Date.UTC(1970, 0, day)), onProgress: () => {} },
  );
}

async function overwrite(path: string): Promise<void> {
  await chmod(path, 0o644);
  await writeFile(path, 'something else');
}

function run(...words: readonly string[]): Promise<unknown> {
  const context = {
    words: ['images', ...words],
    loadConfig: async () => ({ providers: [], driver }),
    environment: () => ({ dataDirectory }),
    print: (line: string) => void printed.push(line),
    interrupted: () => signal,
  };
  return runCommand(registerImages, ['images', ...words], () => Object.assign(context));
}

it('verifies every image although two are damaged, names those, and fails', async () => {
  const [record, file, whole] = [await build('one'), await build('two'), await build('three')];
  await overwrite(join(record.directory, 'image.json'));
  await overwrite(join(file.directory, 'root.ext4'));
  await expect(run('verify')).rejects.toMatchObject({
    code: 'MACHINE_IMAGE_DAMAGED',
    message: `Damaged images: ${record.name}, ${file.name}.`,
  });
  expect(printed).toEqual([
    `${whole.name}: root.ext4 as built`,
    `${record.name}: ${record.directory}/image.json is not the record of an image.`,
    `${file.name}: ${file.directory}/root.ext4 is not what was built.`,
  ]);
  await run('verify', whole.name);
  await expect(run('verify', record.name)).rejects.toMatchObject({ message: `Damaged images: ${record.name}.` });
});

it('lists a damaged image as that, beside the others', async () => {
  const [damaged, whole] = [await build('one'), await build('two')];
  await overwrite(join(damaged.directory, 'image.json'));
  await run('list');
  expect(printed).toContain(`${whole.name}  built 1970-01-01T00:00:00.000Z`);
  expect(printed.at(-1)).toBe(
    `${damaged.name}  damaged: ${damaged.directory}/image.json is not the record of an image.`,
  );
});

describe('pruning images', () => {
  const imageNames = async (): Promise<readonly string[]> => (await readdir(join(dataDirectory, 'images'))).toSorted();
  const nameOf = ({ name }: Image): string => name;

  /** What a driver leaves in the data directory. */
  async function leave(path: string, content: unknown): Promise<void> {
    await mkdir(join(dataDirectory, path, '..'), { recursive: true });
    await writeFile(join(dataDirectory, path), typeof content === 'string' ? content : JSON.stringify(content));
  }

  function leaveMachine(engine: string, machineId: string, image: string): Promise<void> {
    return leave(`${engine}/${machineId}/machine.json`, { plan: { machineId }, uid: 200_001, image });
  }

  beforeEach(async () => (await openDataDirectory(dataDirectory)).release());

  it('removes what nothing names, and lists it with its bytes; a dry run removes nothing', async () => {
    const [unused, used, newest] = [await build('one', 1), await build('two', 2), await build('three', 3)];
    await leaveMachine('qemu', 'm-one', used.name);
    const kept = [`keeps ${newest.name}: it is the newest of its kind`, `keeps ${used.name}: machine m-one`];
    await run('prune', '--dry-run');
    expect(printed.splice(0)).toEqual([
      ...kept,
      expect.stringMatching(`would remove ${unused.name}: \\d+ bytes`),
      expect.stringMatching(/^Would free \d+ bytes\.$/),
    ]);
    expect(await imageNames()).toEqual([unused, used, newest].map(nameOf).toSorted());
    await run('prune');
    expect(printed).toEqual([
      ...kept,
      expect.stringMatching(`removed ${unused.name}: \\d+ bytes`),
      expect.stringMatching(/^Freed [1-9]\d* bytes\.$/),
    ]);
    expect(await imageNames()).toEqual([used, newest].map(nameOf).toSorted());
  });

  it('keeps what a machine of Firecracker needs, and what the operator names', async () => {
    const [used, named, newest] = [await build('one', 1), await build('two', 2), await build('three', 3)];
    await leaveMachine('firecracker', 'm-two', used.name);
    await run('prune', '--keep', named.name);
    expect(printed).toContain(`keeps ${used.name}: machine m-two`);
    expect(await imageNames()).toEqual([used, named, newest].map(nameOf).toSorted());
    await expect(run('prune', '--keep', 'cli-typo')).rejects.toMatchObject({ code: 'MACHINE_IMAGE_MISSING' });
  });

  it('removes nothing where a record cannot be read, and says which', async () => {
    const images = [await build('one', 1), await build('two', 2)];
    for (const text of ['{', '{}']) {
      await leave('qemu/m-one/machine.json', text);
      await expect(run('prune')).rejects.toMatchObject({
        code: 'MACHINE_FAILED',
        message: expect.stringContaining('none is removed'),
      });
    }
    expect(await imageNames()).toEqual(images.map(nameOf).toSorted());
  });

  it('removes nothing for a driver whose records only that driver can read', async () => {
    const images = [await build('one', 1), await build('two', 2)];
    driver = () => undefined;
    await expect(run('prune')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await imageNames()).toEqual(images.map(nameOf).toSorted());
  });

  it('leaves a damaged image alone, and works beside a running server', async () => {
    const [damaged, unused, newest] = [await build('one', 1), await build('two', 2), await build('three', 3)];
    await overwrite(join(damaged.directory, 'image.json'));
    const server = await openDataDirectory(dataDirectory);
    try {
      await run('prune');
    } finally {
      await server.release();
    }
    expect(printed).toContain(`keeps ${damaged.name}: ${damaged.directory}/image.json is not the record of an image.`);
    expect(printed.join()).toContain(`removed ${unused.name}`);
    expect(await imageNames()).toEqual([damaged, newest].map(nameOf).toSorted());
  });
});
