import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { cliEnvironment } from './cli-environment.ts';
import { installGitWrapper } from './git-wrapper.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-git-'));
  await installGitWrapper(folder);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** What a CLI gets to hear from git when it starts it in a directory of `~/work`. */
const git = (...argv: readonly string[]): string => gitFrom(join(folder, 'work'), ...argv);
const gitFrom = (cwd: string, ...argv: readonly string[]): string => {
  const env = cliEnvironment({ runtime: folder, proxyPort: undefined, trust: undefined }, folder);
  return execFileSync('git', argv, { cwd, env, encoding: 'utf8', stdio: 'pipe' });
};
const asCodex = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false'];

/** With a filter of a name that needs care, which leaves a mark, and a file that git has to read to tell whether it changed. */
async function plantFilter(): Promise<void> {
  await plantCommit();
  git('config', 'filter.$(id) "a=b.clean', `touch ${join(folder, 'mark')}; cat`);
  git('config', 'filter.$(id) "a=b.required', 'true');
  git('config', 'filter.plain.clean', `touch ${join(folder, 'mark')}; cat`);
  git('config', 'filter.plain.process', `touch ${join(folder, 'mark')}`);
  await writeFile(join(folder, 'work/.gitattributes'), '* filter=plain\n');
  await writeFile(join(folder, 'work/a'), 'two\n');
}

/** Runs git as the one who prepares the repository. */
const prepare = (...argv: readonly string[]): string =>
  execFileSync('/usr/bin/git', ['-C', join(folder, 'work'), ...argv], {
    env: { PATH: process.env['PATH'], HOME: folder },
    encoding: 'utf8',
    stdio: 'pipe',
  });

/** A repository with a commit. */
async function plantCommit(): Promise<void> {
  execFileSync('git', ['init', '--quiet', join(folder, 'work')], { env: { PATH: process.env['PATH'], HOME: folder } });
  await writeFile(join(folder, 'work/a'), 'one\n');
  prepare('add', 'a');
  prepare('-c', 'user.name=a', '-c', 'user.email=a@example.test', 'commit', '--quiet', '--message', 'a');
}

/** A program that leaves a mark, for git to start. */
async function plantProgram(): Promise<string> {
  const program = join(folder, 'program');
  await writeFile(program, `#!/bin/sh\ntouch ${join(folder, 'mark')}\n`, { mode: 0o755 });
  return program;
}

/** Settings by which git fetches with a program of the repository. */
const transports: readonly (readonly [string, (program: string) => Readonly<Record<string, string>>])[] = [
  ['ssh', (program) => ({ 'remote.origin.url': 'ssh://host.test/x', 'core.sshCommand': program })],
  ['a path', (program) => ({ 'remote.origin.url': folder, 'remote.origin.uploadpack': program })],
  ['git', (program) => ({ 'remote.origin.url': 'git://host.test/x', 'core.gitProxy': program })],
];

describe('the git of a CLI', () => {
  it.each(transports)('fetches nothing that is missing in a repository over %s', async (_name, settingsFor) => {
    await plantCommit();
    const tree = prepare('rev-parse', 'HEAD^{tree}').trim();
    const settings = {
      'core.repositoryFormatVersion': '1',
      'extensions.partialClone': 'origin',
      'remote.origin.promisor': 'true',
      ...settingsFor(await plantProgram()),
    };
    for (const [name, value] of Object.entries(settings)) prepare('config', name, value);
    await rm(join(folder, 'work/.git/objects', tree.slice(0, 2), tree.slice(2)));
    expect(() => git(...asCodex, 'status', '--porcelain')).toThrow();
    expect(await readdir(folder)).not.toContain('mark');
    // The trap works.
    expect(() => prepare(...asCodex, 'status', '--porcelain')).toThrow();
    expect(await readdir(folder)).toContain('mark');
  });

  it('has no program of a repository check a signature, for any caller', async () => {
    await plantCommit();
    const commit = prepare('cat-file', 'commit', 'HEAD').replace(
      '\n\n',
      '\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n',
    );
    await writeFile(join(folder, 'commit'), commit);
    prepare('reset', '--quiet', prepare('hash-object', '-t', 'commit', '-w', join(folder, 'commit')).trim());
    prepare('config', 'gpg.program', await plantProgram());
    prepare('config', 'log.showSignature', 'true');
    expect(git('log', '--oneline')).toMatch(/ a\n$/);
    expect(await readdir(folder)).not.toContain('mark');
    prepare('log', '--oneline');
    expect(await readdir(folder)).toContain('mark');
  });

  it('runs no filter of a repository for a caller that turns hooks off', async () => {
    await plantFilter();
    expect(git(...asCodex, 'status', '--porcelain')).toBe(' M a\n?? .gitattributes\n');
    expect(await readdir(folder)).not.toContain('mark');
  });

  it('runs no filter of a repository inside the repository', async () => {
    await plantFilter();
    await mkdir(join(folder, 'outer'));
    await rename(join(folder, 'work'), join(folder, 'outer/inner'));
    await rename(join(folder, 'outer'), join(folder, 'work'));
    git('init', '--quiet');
    git('-c', 'advice.addEmbeddedRepo=false', 'add', 'inner');
    git('-c', 'user.name=a', '-c', 'user.email=a@example.test', 'commit', '--quiet', '--message', 'a');
    await writeFile(join(folder, 'work/.gitmodules'), '[submodule "inner"]\n\tpath = inner\n\turl = ./inner\n');
    await rm(join(folder, 'mark'), { force: true });
    git(...asCodex, 'status', '--porcelain');
    expect(await readdir(folder)).not.toContain('mark');
  });

  it('runs no filter of a repository that an option names', async () => {
    await plantFilter();
    const repository = join(folder, 'work');
    for (const where of [
      ['-C', repository],
      [`--git-dir=${repository}/.git`, `--work-tree=${repository}`],
    ]) {
      gitFrom(folder, ...where, ...asCodex, 'status', '--porcelain');
      expect(await readdir(folder)).not.toContain('mark');
    }
  });

  it('is the machine’s own for all others', async () => {
    await plantFilter();
    git('config', '--unset', 'filter.plain.process');
    expect(git('status', '--porcelain')).toBe(' M a\n?? .gitattributes\n');
    expect(await readdir(folder)).toContain('mark');
  });

  it('hands on every argument as it is, and says what git says', () => {
    execFileSync('git', ['init', '--quiet', join(folder, 'work')], {
      env: { PATH: process.env['PATH'], HOME: folder },
    });
    expect(git(...asCodex, '-c', 'a.b=x  "y" $(id)', 'config', 'a.b')).toBe('x  "y" $(id)\n');
    expect(() => git(...asCodex, 'config', 'a.c')).toThrow(expect.objectContaining({ status: 1 }));
  });
});
