import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { repository } from '../support/server.ts';

/**
 * What can be said of the files in `deploy/` without systemd as the first process: that the programs which read them
 * accept them.
 */
const run = promisify(execFile);
const deploy = join(repository, 'deploy');
let directory: string;

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-deploy-')));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the Dockerfile', () => {
  it('has nothing that a linter objects to', async () => {
    await writeFile(join(directory, 'package.json'), '{ "private": true }\n');
    const install = [
      'install',
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      'dockerfilelint@1.8.0',
    ];
    await run('npm', install, { cwd: directory });
    const linter = join(directory, 'node_modules', '.bin', 'dockerfilelint');
    const { stdout } = await run(linter, ['--output', 'json', join(deploy, 'Dockerfile')]);
    expect(JSON.parse(stdout)).toMatchObject({ totalIssues: 0 });
  });

  it('ends as an ordinary user, with a volume for the data directory and a health check', async () => {
    const lines = (await readFile(join(deploy, 'Dockerfile'), 'utf8')).split('\n');
    const last = (word: string): string | undefined => lines.findLast((line) => line.startsWith(`${word} `));
    expect(last('USER')).toBe('USER sallyport');
    expect(last('VOLUME')).toBe('VOLUME /var/lib/sallyport');
    expect(last('ENV')).toContain('SALLYPORT_DATA_DIR=/var/lib/sallyport');
    expect(last('HEALTHCHECK')).toContain('/opt/sallyport/healthcheck.mjs');
  });
});

describe('docker-compose.yml', () => {
  const values = { SALLYPORT_PUBLIC_URL: 'https://connect.example.com', POSTGRES_PASSWORD: 'secret' };
  const config = (given: Readonly<Record<string, string>>) => {
    const { PATH } = process.env;
    const file = ['--project-directory', deploy, '--file', join(deploy, 'docker-compose.yml')];
    return run('docker-compose', [...file, 'config'], { cwd: directory, env: { PATH, ...given } });
  };

  it('is valid, and gives the server the database beside it', async () => {
    const { stdout } = await config(values);
    expect(stdout).toContain('DATABASE_URL: postgres://sallyport:secret@database:5432/sallyport');
    expect(stdout).toContain('127.0.0.1:4000:4000/tcp');
  });

  it.each(Object.keys(values))('names %s if it is not set', async (name) => {
    const rest = Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
    await expect(config(rest)).rejects.toMatchObject({ stderr: expect.stringContaining(name) });
  });
});

describe('sallyport.service', () => {
  /** The unit with a program that there is here. */
  async function writeUnit(): Promise<string> {
    const file = join(directory, 'sallyport.service');
    await cp(join(deploy, 'sallyport.service'), file);
    const unit = await readFile(file, 'utf8');
    await writeFile(file, unit.replace('/opt/sallyport/node_modules/.bin/sallyport', '/bin/true'));
    return file;
  }

  it('is a valid unit', async () => {
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', await writeUnit()]);
    expect(`${stdout}${stderr}`).toBe('');
  });

  it('exposes what docs/deploy.md says', async () => {
    const args = ['security', '--offline=true', '--no-pager', await writeUnit()];
    const { stdout } = await run('systemd-analyze', args);
    const level = /exposure level for sallyport\.service: ([\d.]+)/.exec(stdout)?.[1];
    expect(await readFile(join(repository, 'docs', 'deploy.md'), 'utf8')).toContain(`**${level}**`);
  });
});
