import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { BootConfig } from '@sallyport/core/driver';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { requirement } from '../../../../test/setup/requirements.ts';
import { createAgentDrive } from './agent-drive.ts';

const host = requirement('disks');
const { signal } = new AbortController();
const boot: BootConfig = {
  machineId: 'm-drive',
  epoch: 3,
  role: 'cli',
  token: 'token-of-this-boot-0123456789-0123456789',
  listen: { port: 8080, host: '0.0.0.0' },
  home: '/sallyport/home',
  runtime: '/run/m',
  clis: { codex: '/run/sallyport/drive/cli/codex' },
};

let folder: string;
let path: string;
let agent: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sp-drive-'));
  path = join(folder, 'agent.ext4');
  agent = join(folder, 'agent');
  mkdirSync(join(agent, 'lib'), { recursive: true });
  writeFileSync(join(agent, 'main.js'), 'start();\n');
  writeFileSync(join(agent, 'lib/large.js'), 'x'.repeat(3_000_000));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const debugfs = (command: string): string =>
  execFileSync('/usr/sbin/debugfs', ['-R', command, path], { maxBuffer: 8_000_000, stdio: 'pipe' }).toString();

describe.skipIf(!host.met)(`the drive with a machine’s agent ${host.reason}`, () => {
  it('holds the agent, what this boot is about, and CLIs with their links', async () => {
    const cli = join(folder, 'codex');
    mkdirSync(join(cli, 'bin'), { recursive: true });
    writeFileSync(join(cli, 'codex.js'), '#!/usr/bin/env node\n', { mode: 0o755 });
    symlinkSync('../codex.js', join(cli, 'bin/codex'));
    await createAgentDrive(path, { agent, boot, clis: [{ provider: 'codex', directory: cli }], signal });
    execFileSync('/usr/sbin/e2fsck', ['-fn', path], { stdio: 'pipe' });
    expect(debugfs('cat /agent/main.js')).toBe('start();\n');
    expect(debugfs('cat /agent/lib/large.js')).toHaveLength(3_000_000);
    expect(JSON.parse(debugfs('cat /boot/config.json'))).toEqual(boot);
    expect(debugfs('stat /cli/codex/codex.js')).toMatch(/Mode: {2}0755/);
    expect(debugfs('stat /cli/codex/bin/codex')).toContain('Fast link dest: "../codex.js"');
    expect(debugfs('features')).not.toContain('has_journal');
    expect(statSync(path).size).toBeLessThan(6_000_000);
  });

  it('shows the token of this boot to root alone, and keeps the file from others on this host', async () => {
    await createAgentDrive(path, { agent, boot, clis: [], signal });
    expect(debugfs('stat /boot/config.json')).toMatch(/Mode: {2}0600[^]*User: +0 +Group: +0 /);
    expect(debugfs('stat /agent')).toMatch(/Mode: {2}0755/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('takes the place of the drive of the boot before', async () => {
    const first = await createAgentDrive(path, { agent, boot, clis: [], signal });
    const second = await createAgentDrive(path, { agent, boot: { ...boot, epoch: 4 }, clis: [], signal });
    expect(second).not.toBe(first);
    expect(second).toBe(createHash('sha256').update(readFileSync(path)).digest('hex'));
    expect(JSON.parse(debugfs('cat /boot/config.json')).epoch).toBe(4);
  });
});
