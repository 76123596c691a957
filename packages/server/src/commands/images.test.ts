import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createImageStore } from '@sallyport/machines';
import type { Image } from '@sallyport/machines';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { runCommand } from '../../../../test/setup/run-command.ts';
import { registerImages } from './images.ts';

const { signal } = new AbortController();
let dataDirectory: string;
let printed: string[];

beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'sallyport-images-'));
  printed = [];
});

afterEach(() => rm(dataDirectory, { recursive: true }));

function build(inputs: string): Promise<Image> {
  return createImageStore({ directory: join(dataDirectory, 'images') }).ensure(
    {
      kind: 'cli',
      inputs,
      run: async ({ scratch }) => {
        await writeFile(join(scratch, 'made'), inputs);
        return { files: { 'root.ext4': join(scratch, 'made') }, programs: {}, packages: [] };
      },
    },
    { signal, now: new Date(0), onProgress: () => {} },
  );
}

async function overwrite(path: string): Promise<void> {
  await chmod(path, 0o644);
  await writeFile(path, 'something else');
}

function run(...words: readonly string[]): Promise<unknown> {
  const context = {
    words: ['images', ...words],
    loadConfig: async () => ({ providers: [] }),
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
