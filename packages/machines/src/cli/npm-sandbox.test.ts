import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { npmCommand, npmSandbox } from './npm-sandbox.ts';

const sandbox = await npmSandbox();
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sp-npm-'));
  mkdirSync(join(root, 'target'));
  writeFileSync(join(root, 'secret'), 'canary');
  writeFileSync(
    join(root, 'npm'),
    `#!/bin/sh
     { cat ${root}/secret; ls /root /home /var /run /etc/passwd /etc/shadow /etc/ssl/private; echo /proc/[0-9]*; } > seen 2>/dev/null
     echo x > ${root}/outside; echo x > /usr/outside; echo x > "$npm_config_cache/kept"
     ls /etc/resolv.conf /etc/hosts >> seen; ls /etc/ld.so.cache >> seen; cat /proc/net/dev >> seen
     exit 0`,
  );
  chmodSync(join(root, 'npm'), 0o755);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function run(bubblewrap: typeof sandbox, cancelSignal?: AbortSignal): Promise<string> {
  const [directory, cache] = [join(root, 'target'), join(root, 'cache')];
  mkdirSync(cache);
  const env = { PATH: '/usr/bin:/bin', npm_config_cache: cache };
  const place = {
    npm: join(root, 'npm'),
    directory,
    cache,
    env,
    config: undefined,
    args: ['ci'],
    egressSocket: undefined,
  };
  const [file, ...args] = await npmCommand({ ...place, sandbox: bubblewrap });
  await execa(file, args, {
    cwd: directory,
    env,
    extendEnv: false,
    stderr: 'ignore',
    ...(cancelSignal && { cancelSignal }),
  });
  return readFileSync(join(directory, 'seen'), 'utf8');
}

/** Process numbers of what sleeps for so long. */
function sleepers(seconds: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1') === `sleep\0${seconds}\0`;
    } catch {
      return false;
    }
  });
}

describe('the sandbox of npm', () => {
  it.skipIf(sandbox.bubblewrap === undefined)(
    'shows no file, process or network interface of the host, and keeps what npm makes',
    async () => {
      const seen = await run(sandbox);
      expect(seen).not.toContain('canary');
      expect(seen).not.toMatch(/\/root|\/home|\/var|\/run|passwd|shadow|private/);
      expect(seen).toMatch(/^\/proc\/1( \/proc\/\d+){0,3}$/m);
      expect(seen).toContain('/etc/ld.so.cache');
      expect(seen).not.toMatch(/resolv|hosts/);
      // Its own network, which has nothing but a loopback interface.
      expect(seen.match(/^ *\w+:/gm)).toEqual(['    lo:']);
      expect(readFileSync(join(root, 'cache', 'kept'), 'utf8')).toBe('x\n');
      expect(() => readFileSync(join(root, 'outside'))).toThrow('ENOENT');
    },
  );

  it.skipIf(sandbox.bubblewrap === undefined)('ends with the program that started it, and npm with it', async () => {
    const marker = join(root, 'target', 'started');
    const seconds = `3${process.pid}`;
    writeFileSync(join(root, 'npm'), `#!/bin/sh\necho x > ${marker}\nexec sleep ${seconds}`);
    const stop = new AbortController();
    const running = run(sandbox, stop.signal);
    await expect.poll(() => existsSync(marker)).toBe(true);
    expect(sleepers(seconds)).toHaveLength(1);
    stop.abort();
    await expect(running).rejects.toThrow('canceled');
    await expect.poll(() => sleepers(seconds)).toEqual([]);
  });

  it('is what hides them: without it the same program sees them', async () => {
    writeFileSync(join(root, 'npm'), `#!/bin/sh\ncat ${root}/secret > seen`);
    expect(await run({ reason: 'it is not installed' })).toBe('canary');
  });
});
