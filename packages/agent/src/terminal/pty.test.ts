import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { spawnPty } from './pty.ts';
import type { PtyBackend, PtyExit } from './pty.ts';

const run = (script: string, env: Record<string, string> = {}): PtyBackend =>
  spawnPty({ file: '/bin/sh', argv: ['-c', script], env, cwd: '/', columns: 120, rows: 30 });

async function finish(pty: PtyBackend): Promise<{ readonly output: string; readonly exit: PtyExit }> {
  const chunks: Uint8Array[] = [];
  pty.onData((bytes) => chunks.push(bytes));
  const exit = await new Promise<PtyExit>((resolve) => pty.onExit(resolve));
  return { output: Buffer.concat(chunks).toString(), exit };
}

/** A container without an init leaves ended orphans behind as zombies (state Z). */
const running = (pid: string): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

describe('a program in a pseudo-terminal', () => {
  it('gets exactly the environment it is given', async () => {
    const { output } = await finish(run('env', { ONLY: 'this', TERM: 'dumb' }));
    // The shell itself may add SHLVL, OLDPWD and _.
    const names = output
      .trim()
      .split('\r\n')
      .filter((line) => !/^(SHLVL|OLDPWD|_)=/.test(line));
    expect(names.toSorted()).toEqual(['ONLY=this', 'PWD=/', 'TERM=dumb']);
  });

  it('sees a terminal of the size asked for', async () => {
    expect((await finish(run('stty size', { PATH: '/usr/bin:/bin' }))).output).toBe('30 120\r\n');
  });

  it('reports the exit code after the last byte', async () => {
    const { output, exit } = await finish(run('echo last words; exit 3'));
    expect(output).toBe('last words\r\n');
    expect(exit).toEqual({ code: 3, signal: null });
  });

  it('reports the signal that ended it', async () => {
    expect((await finish(run('kill -TERM $$'))).exit).toEqual({ code: null, signal: 'SIGTERM' });
  });

  it('hands out bytes, so that a split character survives', async () => {
    const pty = run('printf "\\303"; printf "\\244"');
    expect((await finish(pty)).output).toBe('ä');
  });

  it('takes what is written to it', async () => {
    const pty = run('read -r line; echo "got $line"');
    pty.write('hello\r');
    expect((await finish(pty)).output).toContain('got hello');
  });

  it('is killed together with what it started', async () => {
    const pty = run('/bin/sleep 600 & echo "child $!"; wait');
    const child = new Promise<string>((resolve) => {
      let seen = '';
      pty.onData((bytes) => {
        seen += Buffer.from(bytes).toString();
        const found = /child (\d+)\r/.exec(seen);
        if (found?.[1]) resolve(found[1]);
      });
    });
    const pid = await child;
    expect(running(pid)).toBe(true);
    const exit = new Promise<PtyExit>((resolve) => pty.onExit(resolve));
    pty.kill();
    expect(await exit).toEqual({ code: null, signal: 'SIGKILL' });
    await expect.poll(() => running(pid)).toBe(false);
  });

  it('ignores calls that come after its end', async () => {
    const pty = run('exit 0');
    await finish(pty);
    expect(() => {
      pty.write('too late');
      pty.resize(100, 40);
      pty.kill();
    }).not.toThrow();
  });

  it('exits where the file cannot be run', async () => {
    const pty = spawnPty({ file: '/nonexistent/cli', argv: [], env: {}, cwd: '/', columns: 80, rows: 24 });
    expect((await finish(pty)).exit).toEqual({ code: 1, signal: null });
  });
});
