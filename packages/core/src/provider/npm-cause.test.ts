import { describe, expect, it } from 'vitest';

import { createNpmCause } from './npm-cause.ts';

/** What npm 11.19 printed; only the paths are others. */
const printed = (text: string): readonly string[] => text.trim().split('\n');

function causeOf(lines: readonly string[], end = 'npm ended with exit code 1.'): string {
  const cause = createNpmCause();
  for (const line of lines) cause.add(line);
  return cause.failure(end);
}

const usage = printed(`
npm error
npm error Clean install a project
npm error
npm error Usage:
npm error npm ci
npm error
npm error Options:
npm error [--install-strategy <hoisted|nested|shallow|linked>] [--legacy-bundling]
npm error
npm error   --install-strategy
npm error     Sets the strategy for installing packages in node_modules.
npm error
npm error Run "npm help ci" for more info
npm error Log files were not written due to the config logs-max=0`);

const outOfSync =
  'npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync. Please update your lock file with `npm install` before continuing.';

describe('the cause of a failed npm', () => {
  it('is what stands above its usage text', () => {
    const lines = ['npm error code EUSAGE', 'npm error', outOfSync, 'npm error'];
    expect(causeOf([...lines, 'npm error Missing: fake-cli@1.2.3 from lock file', ...usage])).toBe(
      `code EUSAGE\n${outOfSync.slice('npm error '.length)}\nMissing: fake-cli@1.2.3 from lock file`,
    );
  });

  it('is bounded, and says how much was left out', () => {
    const missing = Array.from(
      { length: 5000 },
      (_, index) => `npm error Missing: dependency-${index}@1.0.0 from lock`,
    );
    const cause = causeOf(['npm error code EUSAGE', ...missing, ...usage]).split('\n');
    expect(cause).toHaveLength(13);
    expect(cause.slice(0, 2)).toEqual(['code EUSAGE', 'Missing: dependency-0@1.0.0 from lock']);
    expect(cause.at(-1)).toMatch(/^… and \d+ more lines\.$/);
    expect(causeOf([`npm error ${'x'.repeat(1_000_000)}`]).length).toBeLessThan(1000);
  });

  it('is the system call that was refused, without the stack and the properties of the error', () => {
    const lines = printed(`
npm error code EACCES
npm error syscall mkdir
npm error path /srv/clis/node_modules
npm error errno -13
npm error Error: EACCES: permission denied, mkdir '/srv/clis/node_modules'
npm error     at async mkdir (node:internal/fs/promises:1564:10)
npm error     at async Promise.allSettled (index 0)
npm error     at async module.exports (/usr/lib/node_modules/npm/lib/cli/entry.js:67:5) {
npm error   errno: -13,
npm error   code: 'EACCES',
npm error   syscall: 'mkdir',
npm error   path: '/srv/clis/node_modules'
npm error }
npm error
npm error The operation was rejected by your operating system.
npm error It is likely you do not have the permissions to access this file as the current user
npm error
npm error If you believe this might be a permissions issue, please double-check the permissions of the file and its containing directories, or try running the command again as root/Administrator.
npm error Log files were not written due to the config logs-max=0`);
    const cause = causeOf(lines);
    expect(cause).toContain("EACCES: permission denied, mkdir '/srv/clis/node_modules'\nThe operation was rejected");
    expect(cause).not.toMatch(/ at async|errno: |^}/m);
  });

  it('is a full disk, with what npm says to do about it', () => {
    const lines = printed(`
npm http fetch GET 200 https://registry.test/fake-cli 30ms (cache miss)
npm error code ENOSPC
npm error syscall write
npm error errno -28
npm error nospc ENOSPC: no space left on device, write
npm error nospc There appears to be insufficient space on your system to finish.
npm error nospc Clear up some disk space and try again.
npm error Log files were not written due to the config logs-max=0`);
    expect(causeOf(lines)).toMatch(/ENOSPC: no space left on device.*Clear up some disk space and try again\.$/s);
  });

  it('is found in the words of npm before version 10', () => {
    expect(causeOf(['npm ERR! code EINTEGRITY', 'npm ERR! ', 'npm ERR! sha512-a wanted but got sha512-b'])).toBe(
      'code EINTEGRITY\nsha512-a wanted but got sha512-b',
    );
  });

  it('is how npm ended, with its last lines, where npm gave no reason', () => {
    const lines = ['npm http fetch GET 200 https://registry.test/x 1ms', 'Segmentation fault'];
    expect(causeOf(lines, 'npm ended with exit code 139.')).toBe('npm ended with exit code 139.\nSegmentation fault');
  });

  it('is there for a file that could not be unpacked, which npm itself takes for a success', () => {
    const cause = createNpmCause();
    cause.add('npm warn deprecated some-package@1.0.0: use another');
    expect(cause.unpackFailure()).toBeUndefined();
    cause.add('npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device, write');
    cause.add('added 1 package in 273ms');
    expect(cause.unpackFailure()).toBe('A file could not be unpacked: ENOSPC: no space left on device, write');
  });
});
