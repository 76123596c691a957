import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { createRegistry } from '@sallyport/core';
import { type Provider } from '@sallyport/core/provider';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

/** The scaffold as a stranger runs it, and what a stranger does next. */

const repository = resolve(import.meta.dirname, '../..');
const published = join(repository, 'packages/create-sallyport-provider/dist/main.js');
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-new-provider-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('npm create sallyport-provider', () => {
  it('writes a package that passes its conformance run and its type check, builds, and loads, as it is', async () => {
    const created = await run(folder, process.execPath, [published, 'acme-chat']);
    expect(created).toMatchObject({ code: 0, printed: expect.stringContaining('  cd sallyport-provider-acme-chat\n') });
    const home = join(folder, 'sallyport-provider-acme-chat');
    await installFromWorkspace(home);

    const tested = await run(home, 'npm', ['test', '--', '--reporter=json', '--outputFile=report.json']);
    expect(tested.code, tested.printed).toBe(0);
    const report = reportSchema.parse(JSON.parse(await readFile(join(home, 'report.json'), 'utf8')));
    expect(report).toMatchObject({ numFailedTests: 0, numPendingTests: 0 });
    const passed = report.testResults.flatMap(({ assertionResults }) =>
      assertionResults.map(({ fullName }) => fullName),
    );
    expect(passed).toContainEqual(expect.stringMatching(/^the provider acme_chat recorded logins vendor-1\.0\.0/));

    expect(await run(home, 'npm', ['run', 'types'])).toMatchObject({ code: 0 });
    const built = await run(home, 'npm', ['run', 'build']);
    expect(built.code, built.printed).toBe(0);
    const { provider }: { provider: Provider } = await import(pathToFileURL(join(home, 'dist/index.js')).href);
    expect(createRegistry([provider]).get('acme_chat').manifest.title).toBe('Acme Chat');
  });

  it('writes a package whose tests see a pattern that takes half a code for a whole one', async () => {
    await run(folder, process.execPath, [published, 'acme']);
    const home = join(folder, 'sallyport-provider-acme');
    await installFromWorkspace(home);
    const path = join(home, 'src/manifest.ts');
    const manifest = await readFile(path, 'utf8');
    await writeFile(path, manifest.replace(String.raw`[A-Z]{4})\\b`, '[A-Z]{1,4})'));
    const tested = await run(home, 'npm', ['test']);
    expect(tested.code).toBe(1);
    expect(tested.printed).toContain('comes to the same however its bytes arrive');
  });

  it('leaves no name of the template behind, and keeps from git what does not belong in it', async () => {
    await run(folder, process.execPath, [published, 'acme-chat', 'providers/acme']);
    const home = join(folder, 'providers/acme');
    const files = (await readdir(home, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['.gitignore', 'package.json', 'tsconfig.json', 'README.md', 'provider.test.ts']),
    );
    expect(files.filter(({ name }) => name.startsWith('_'))).toEqual([]);
    const texts = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')));
    expect(texts.filter((text) => /my[-_ ]cli|SALLYPORT_VERSION/i.test(text))).toEqual([]);
  });

  it('is the same from the repository', async () => {
    await run(folder, process.execPath, [published, 'acme', 'published']);
    const script = join(repository, 'scripts/new-provider.ts');
    await run(folder, process.execPath, ['--conditions=@sallyport/source', script, 'acme', 'own']);
    const difference = await run(folder, 'diff', ['-r', 'published', 'own']);
    expect(difference).toEqual({ code: 0, printed: '' });
  });

  it.each(['Acme', 'acme_chat', '-acme', 'acme-', 'a', '../acme', '@acme/chat', '1acme', 'a'.repeat(33), ''])(
    'refuses the name %j',
    async (name) => {
      const { code, printed } = await run(folder, process.execPath, [published, name]);
      expect(code).toBe(1);
      expect(printed).toMatch(
        /cannot be the name of a provider\.\nUse 2 to 32 |is not a name and a directory\.\nUsage: /,
      );
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it('says how it is called where it is called otherwise', async () => {
    const usage = /\nUsage: npm create sallyport-provider NAME \[DIRECTORY\]/;
    for (const words of [[], ['acme', 'there', 'more'], ['--name', 'acme']]) {
      const { code, printed } = await run(folder, process.execPath, [published, ...words]);
      expect({ code, printed }).toEqual({ code: 1, printed: expect.stringMatching(usage) });
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a directory that exists, even an empty one, and leaves it as it is', async () => {
    await mkdir(join(folder, 'sallyport-provider-acme'));
    await writeFile(join(folder, 'notes'), 'mine');
    for (const words of [['acme'], ['acme', 'notes']]) {
      const { code, printed } = await run(folder, process.execPath, [published, ...words]);
      expect(code).toBe(1);
      expect(printed).toMatch(/^There is something at \S+ already\.\nName another directory/);
    }
    expect(await readdir(join(folder, 'sallyport-provider-acme'))).toEqual([]);
    expect(await readFile(join(folder, 'notes'), 'utf8')).toBe('mine');
  });

  it('refuses a directory that cannot be made', async () => {
    await writeFile(join(folder, 'notes'), 'mine');
    const { code, printed } = await run(folder, process.execPath, [published, 'acme', 'notes/acme']);
    expect(code).toBe(1);
    expect(printed).toMatch(/^The directory \S+ cannot be made\.\nSee whether \S+\/notes is a directory/);
  });

  it('asks for the versions of tools that this repository is tested with', async () => {
    await run(folder, process.execPath, [published, 'acme']);
    const own = dependenciesSchema.parse(JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')));
    const theirs = await dependenciesOf(join(folder, 'sallyport-provider-acme'));
    const tools = Object.entries(theirs.devDependencies).filter(([name]) => !name.startsWith('@sallyport/'));
    expect(tools.length).toBe(3);
    expect(own.devDependencies).toMatchObject(Object.fromEntries(tools));
  });
});

const dependenciesSchema = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()),
});

const reportSchema = z.object({
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  testResults: z.array(z.object({ assertionResults: z.array(z.object({ fullName: z.string() })) })),
});

async function dependenciesOf(home: string): Promise<z.infer<typeof dependenciesSchema>> {
  return dependenciesSchema.parse(JSON.parse(await readFile(join(home, 'package.json'), 'utf8')));
}

/** What `npm install` would do once there is a release: only what the package names can be found. */
async function installFromWorkspace(home: string): Promise<void> {
  const { dependencies, devDependencies } = await dependenciesOf(home);
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const target = join(home, 'node_modules', name);
    await mkdir(dirname(target), { recursive: true });
    await symlink(join(repository, 'node_modules', name), target);
  }
}

async function run(
  cwd: string,
  program: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly printed: string }> {
  const path = [dirname(process.execPath), join(repository, 'node_modules/.bin'), '/usr/local/bin', '/usr/bin', '/bin'];
  const child = spawn(program, args, { cwd, env: { PATH: path.join(':'), HOME: folder } });
  let printed = '';
  child.stdout.on('data', (bytes: Buffer) => (printed += bytes.toString('utf8')));
  child.stderr.on('data', (bytes: Buffer) => (printed += bytes.toString('utf8')));
  const [code]: (number | null)[] = await once(child, 'close');
  return { code: code ?? null, printed };
}
