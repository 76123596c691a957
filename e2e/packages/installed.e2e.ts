import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, cp, lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { installPackages } from '../support/installed-packages.ts';
import type { InstalledPackages } from '../support/installed-packages.ts';
import { findFreePort } from '../support/ports.ts';
import { repository } from '../support/server.ts';

const run = promisify(execFile);

/** The oldest that the packages promise to work on, and the one that this workspace brings. */
const OLDEST = '22.18.0';

let installed: InstalledPackages;
let oldest: string;
const current = dirname(process.execPath);

beforeAll(async () => {
  // Vitest runs the suites of the test kit in its README.
  installed = await installPackages(['typescript@5', '@types/node@24', 'vitest@5']);
  oldest = await installed.nodeDirectory(OLDEST);
});
afterAll(() => installed?.remove());

/** Where the files of a package were installed. */
const directoryOf = (name: string): string => join(installed.directory, 'node_modules', name);

/** What a program can import of a package: `@sallyport/agent`, `@sallyport/agent/terminal`. */
async function entriesOf(name: string): Promise<readonly string[]> {
  const { exports } = JSON.parse(await readFile(join(directoryOf(name), 'package.json'), 'utf8'));
  return Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => join(name, path));
}

const everyEntry = async (): Promise<readonly string[]> => (await Promise.all(installed.names.map(entriesOf))).flat();

describe('the packages, packed and installed outside the repository', () => {
  it.each([OLDEST, 'of the workspace'])('load on Node %s', async (release) => {
    const directory = release === OLDEST ? oldest : current;
    const entries = await everyEntry();
    expect(entries).toContain('@sallyport/agent/terminal');
    for (const entry of entries) {
      const program = `console.log(Object.keys(await import(${JSON.stringify(entry)})).length > 0)`;
      const args = ['--input-type=module', '--eval', program];
      const { stdout } = await run(join(directory, 'node'), args, { cwd: installed.directory });
      expect(stdout.trim(), entry).toBe('true');
    }
  });

  it.each(['node16', 'bundler'])('type-check a consumer with moduleResolution %s', async (resolution) => {
    const directory = join(installed.directory, resolution);
    await mkdir(directory);
    for (const name of installed.names) {
      const readme = await readFile(join(directoryOf(name), 'README.md'), 'utf8');
      const example = /^```ts\n(.*?)^```$/ms.exec(readme)?.[1] ?? '';
      const imports = (await entriesOf(name)).map((entry, index) => `export * as all${index} from '${entry}';\n`);
      await writeFile(join(directory, `${name.replace('/', '-')}.ts`), `${example}${imports.join('')}export {};\n`);
    }
    const compilerOptions = {
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      target: 'es2023',
      lib: ['es2023', 'esnext', 'dom'],
      module: resolution === 'node16' ? 'node16' : 'esnext',
      moduleResolution: resolution,
      types: ['node'],
    };
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const compiler = join(installed.directory, 'node_modules', 'typescript', 'bin', 'tsc');
    const compiled = await run(process.execPath, [compiler, '-p', directory]).catch((error: unknown) => error);
    expect(compiled).toMatchObject({ stdout: '' });
  });

  it('hold a README and a license, and no tests, sources or paths of the computer that packed them', async () => {
    for (const name of installed.names) {
      const directory = directoryOf(name);
      await access(join(directory, 'README.md'));
      await access(join(directory, 'LICENSE'));
      const paths = (await readdir(directory, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
      expect(
        paths.filter((path) => /^src\/|\.test\.|__fixtures__/.test(path) && !path.startsWith('template/')),
        name,
      ).toEqual([]);
      for (const path of paths) {
        expect((await readFile(join(directory, path))).includes(repository), `${name}/${path}`).toBe(false);
      }
    }
  });

  it("bring node-pty's binary for Linux and macOS, on both processors", async () => {
    const binaries = join(directoryOf('@sallyport/agent'), 'dist', 'agent', 'node_modules', '@lydell');
    expect((await readdir(binaries)).toSorted()).toEqual([
      'node-pty-darwin-arm64',
      'node-pty-darwin-x64',
      'node-pty-linux-arm64',
      'node-pty-linux-x64',
    ]);
    for (const name of await readdir(binaries)) {
      await access(join(binaries, name, 'pty.node'));
      // node-pty starts this program on macOS.
      if (name.includes('darwin')) expect((await lstat(join(binaries, name, 'spawn-helper'))).mode & 0o111).not.toBe(0);
    }
  });

  it('tell which Node they need on an older one', async () => {
    const node20 = await installed.nodeDirectory('20');
    const ended = await command(node20, ['--help']).catch((error: unknown) => error);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(Object(ended).stderr).toMatch(
      /^Sallyport needs Node 22\.18 or newer, and this is v20\.[\d.]+\. Install a newer Node from \S+ and run the same command again\.\n$/,
    );
  });
});

describe('the sallyport command, installed', () => {
  it.each(['sallyport', '@sallyport/server'])('answers to npx %s --help', async (name) => {
    const options = { cwd: installed.directory, env: installed.environment(oldest) };
    const { stdout } = await run('npx', ['--offline', name, '--help'], options);
    expect(stdout).toMatch(/^Usage: sallyport/);
  });

  it.each([
    ['oldest', ['serve'], 'codex'],
    ['current', ['serve'], 'codex'],
    ['oldest', [], undefined],
  ])('serves on the %s Node with %j and stops on SIGTERM', async (release, args, provider) => {
    const directory = join(installed.directory, `serve-${release}-${provider ?? 'nothing'}`);
    await mkdir(directory);
    if (provider !== undefined) {
      const config = `import { defineConfig } from '@sallyport/server';
export default defineConfig({ providers: ['@sallyport/provider-${provider}'] });\n`;
      await writeFile(join(directory, 'sallyport.config.ts'), config);
    }
    const environment = installed.environment(release === 'oldest' ? oldest : current);
    const child = spawn(join(installed.directory, 'node_modules', '.bin', 'sallyport'), args, {
      cwd: directory,
      env: { ...environment, PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'exit');
    let output = '';
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    try {
      let origin: string | undefined;
      for await (const chunk of child.stdout) {
        output += String(chunk);
        origin = /sallyport listening on (http:\/\/\S+)/.exec(output)?.[1];
        if (origin !== undefined) break;
      }
      expect(origin, output).toBeDefined();
      const answer = await fetch(`${origin}/health`);
      expect(await answer.json()).toMatchObject({ status: 'ok' });
      const offered = Object(await (await fetch(`${origin}/api/providers?userId=ada`)).json());
      expect(JSON.stringify(offered).includes('"codex"')).toBe(provider === 'codex');
      expect(output.includes('This server offers no CLI yet.')).toBe(provider === undefined);
      child.kill('SIGTERM');
      expect(await ended, output).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('the configuration in deploy/', () => {
  it('serves behind a public URL, and its health check notices', async () => {
    const directory = join(installed.directory, 'deploy');
    await cp(join(repository, 'deploy'), directory, { recursive: true });
    const [port, environment] = [await findFreePort(), installed.environment(current)];
    const env = { ...environment, PORT: String(port), SALLYPORT_DATA_DIR: join(directory, 'data') };
    const check = () => run(join(current, 'node'), ['healthcheck.mjs'], { cwd: directory, env });
    await expect(check()).rejects.toMatchObject({ code: 1 });
    const child = spawn(join(installed.directory, 'node_modules', '.bin', 'sallyport'), ['serve'], {
      cwd: directory,
      env: { ...env, SALLYPORT_PUBLIC_URL: 'https://connect.example.com' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(child, 'exit');
    try {
      await Promise.race([once(child.stdout, 'data'), ended]);
      expect(await check()).toMatchObject({ stderr: '' });
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

/** Runs the installed command by its first line, as a shell does. */
function command(nodeDirectory: string, args: readonly string[]) {
  const environment = installed.environment(nodeDirectory);
  expect(environment['PATH']?.split(delimiter)[0]).toBe(nodeDirectory);
  const options = { cwd: installed.directory, env: environment };
  return run(join(installed.directory, 'node_modules', '.bin', 'sallyport'), args, options);
}
