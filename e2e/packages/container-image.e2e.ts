import { createInterface } from 'node:readline';
import { cp, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { HANG_LIMIT_MS } from '../support/hang-limit.ts';
import { repository } from '../support/server.ts';

/** As in the Dockerfile. */
const BASE = 'docker.io/library/node:24-bookworm-slim';
const SERVE = ['/opt/sallyport/node_modules/.bin/sallyport', 'serve', '--config', '/opt/sallyport/sallyport.config.ts'];

/**
 * The image of `deploy/Dockerfile`, built by buildah and started. Its base is made here, of Debian, Node and npm, since a
 * registry of images cannot always be reached. With its `chroot` isolation, buildah works inside a container too; machines
 * do not, since they need user namespaces.
 */
describe('the image of deploy/Dockerfile', () => {
  let directory: string;
  let container: string;

  beforeAll(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-image-')));
    await makeBase();
    const source = join(directory, 'source');
    await execa('git', ['clone', '--quiet', repository, source]);
    // What is not committed yet counts too.
    const changed = await execa('git', ['ls-files', '--modified', '--others', '--exclude-standard'], {
      cwd: repository,
    });
    for (const file of changed.stdout.split('\n').filter(Boolean)) await cp(join(repository, file), join(source, file));
    const build = ['build', '--isolation=chroot', '--pull-never', '--format=docker', '--tag=sallyport'];
    await buildah([...build, '--file', 'deploy/Dockerfile', '.'], { cwd: source });
    container = await buildah(['from', '--pull-never', 'sallyport']);
  }, 3 * HANG_LIMIT_MS);

  afterAll(async () => {
    await buildah(['rm', '--all']);
    await buildah(['rmi', '--all', '--force']);
    await rm(directory, { recursive: true, force: true });
  }, HANG_LIMIT_MS);

  /** Keeps everything below the test's directory. */
  async function buildah(words: readonly string[], options: { readonly cwd?: string } = {}): Promise<string> {
    const { stdout } = await execa('buildah', [...storage(), ...words], options);
    return stdout.trim().split('\n').at(-1) ?? '';
  }

  const storage = (): readonly string[] => [
    `--root=${join(directory, 'images')}`,
    `--runroot=${join(directory, 'run')}`,
    '--storage-driver=vfs',
  ];

  async function makeBase(): Promise<void> {
    const debian = join(directory, 'debian.tar');
    await execa('mmdebstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', debian]);
    const { stdout: npm } = await execa('npm', ['pack', '--silent', 'npm@11'], { cwd: directory });
    const { stdout: registry } = await execa('npm', ['config', 'get', 'registry'], { cwd: directory });
    const settings = join(directory, 'npmrc');
    await writeFile(settings, `registry=${registry}\ncafile=/etc/ssl/certs/ca-certificates.crt\n`);
    const base = await buildah(['from', 'scratch']);
    await buildah(['add', base, debian, '/']);
    await buildah(['copy', base, process.execPath, '/usr/local/bin/node']);
    await buildah(['add', base, join(directory, npm), '/usr/local/lib/node_modules']);
    // Packages come from where this host gets them.
    await buildah(['copy', base, settings, '/usr/local/etc/npmrc']);
    await buildah(['copy', base, '/etc/apt/apt.conf.d', '/etc/apt/apt.conf.d']);
    await buildah(['copy', base, '/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/certs/ca-certificates.crt']);
    const link = `cd /usr/local/lib/node_modules && mv package npm && cd /usr/local/bin
      ln -s ../lib/node_modules/npm/bin/npm-cli.js npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js npx`;
    await buildah(['run', '--isolation=chroot', base, '--', 'sh', '-ec', link]);
    await buildah(['commit', '--rm', base, BASE]);
  }

  function start(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const settings = Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`);
    const options = ['run', '--isolation=chroot', '--user=sallyport', ...settings, container, '--'];
    return execa('buildah', [...storage(), ...options, ...words], { all: true, reject: false, timeout: HANG_LIMIT_MS });
  }

  const isHealthy = async (port: string) =>
    (await start(['node', '/opt/sallyport/healthcheck.mjs'], { PORT: port })).exitCode === 0;

  it('has what `sallyport doctor` asks of the host, but for what its operator sets', async () => {
    const { all } = await start(['/opt/sallyport/node_modules/.bin/sallyport', 'doctor']);
    expect(all).toContain('ok        desktop:');
    expect(all).toMatch(/^missing +configuration: The server would listen on 0\.0\.0\.0 without a public address\.$/m);
    expect(all).toContain('would not work here: fix configuration first.');
  });

  it('starts as an ordinary user with the embedded database, is healthy, and lets nobody in without a key', async () => {
    const serving = start(SERVE, { HOST: '127.0.0.1', PORT: '0' });
    let origin: string | undefined;
    const lines: string[] = [];
    for await (const line of createInterface({ input: serving.all })) {
      lines.push(line);
      origin = /^sallyport listening on (http:\S+)$/.exec(line)?.[1];
      if (origin !== undefined) break;
    }
    expect(origin, lines.join('\n')).toBeDefined();
    const { port } = new URL(origin ?? '');
    expect(await isHealthy(port)).toBe(true);
    expect((await fetch(`${origin}/api/providers`)).status).toBe(401);
    serving.kill();
    await serving;
    expect(await isHealthy(port)).toBe(false);
  });
});
