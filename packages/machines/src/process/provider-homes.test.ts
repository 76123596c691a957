import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { eraseProviderHome, openProviderHome } from './provider-homes.ts';
import type { Owner } from '../host/safe-directory.ts';

describe('the homes of providers', () => {
  let root: string;
  let homes: string;
  let earlier: string;
  let owner: Owner;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sp-homes-'));
    homes = join(root, 'homes');
    earlier = join(root, 'home');
    owner = undefined;
    mkdirSync(homes);
    mkdirSync(earlier);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  async function open(provider: string, ...paths: string[]): Promise<string> {
    const home = await openProviderHome({ homes, earlier, owner }, provider, paths);
    await home[Symbol.asyncDispose]();
    return join(homes, provider);
  }

  function write(path: string, text: string): void {
    mkdirSync(join(earlier, path, '..'), { recursive: true });
    writeFileSync(join(earlier, path), text);
  }

  it('are created on first use and closed to other users', async () => {
    const home = await open('codex', '~/.codex/auth.json');
    expect(statSync(home).mode & 0o777).toBe(0o700);
    expect(readdirSync(home)).toEqual([]);
  });

  it.runIf(process.geteuid?.() === 0)("belong to the machine's user", async () => {
    owner = 201_234;
    expect(statSync(await open('codex')).uid).toBe(201_234);
  });

  it('adopt the files of a machine from an earlier version, including those next to the credential', async () => {
    write('.codex/auth.json', 'login of codex');
    write('.codex/sessions/one.jsonl', 'a conversation');
    write('.claude.json', 'settings');
    write('.claude/.credentials.json', 'login of claude');
    write('.local/share/opencode/auth.json', 'login of opencode');
    write('.local/share/other/file', 'of nobody');
    write('.config/alone.json', 'alone');
    write('work/file', 'work');
    const codex = await open('codex', '~/.codex/auth.json', '~/.codex/config.toml');
    const claude = await open('claude_code', '~/.claude/.credentials.json', '~/.claude.json');
    const opencode = await open('opencode', '~/.local/share/opencode/auth.json', '~/.config/alone.json');
    expect(readdirSync(codex)).toEqual(['.codex']);
    expect(readFileSync(join(codex, '.codex/sessions/one.jsonl'), 'utf8')).toBe('a conversation');
    expect(readdirSync(claude).toSorted()).toEqual(['.claude', '.claude.json']);
    expect(readFileSync(join(opencode, '.local/share/opencode/auth.json'), 'utf8')).toBe('login of opencode');
    expect(readFileSync(join(opencode, '.config/alone.json'), 'utf8')).toBe('alone');
    expect(readFileSync(join(earlier, '.local/share/other/file'), 'utf8')).toBe('of nobody');
    expect(readFileSync(join(earlier, 'work/file'), 'utf8')).toBe('work');
    expect(existsSync(join(earlier, '.codex'))).toBe(false);
  });

  it('keep their files and leave conflicting older files in place', async () => {
    mkdirSync(join(homes, 'codex/.codex'), { recursive: true });
    writeFileSync(join(homes, 'codex/.codex/auth.json'), 'newer');
    write('.codex/auth.json', 'older');
    const codex = await open('codex', '~/.codex/auth.json');
    expect(readFileSync(join(codex, '.codex/auth.json'), 'utf8')).toBe('newer');
    expect(readFileSync(join(earlier, '.codex/auth.json'), 'utf8')).toBe('older');
  });

  it('are never reached through a symlink, and nothing is moved through one', async () => {
    const outside = join(root, 'outside');
    mkdirSync(join(outside, 'share/opencode'), { recursive: true });
    symlinkSync(outside, join(earlier, '.local'));
    const refused = { code: 'MACHINE_DISK_UNSAFE' };
    await expect(open('opencode', '~/.local/share/opencode/auth.json')).rejects.toMatchObject(refused);
    expect(readdirSync(join(outside, 'share'))).toEqual(['opencode']);
    symlinkSync(outside, join(earlier, '.codex'));
    expect(lstatSync(join(await open('codex', '~/.codex/auth.json'), '.codex')).isSymbolicLink()).toBe(true);
    symlinkSync(outside, join(homes, 'claude_code'));
    await expect(open('claude_code', '~/.claude.json')).rejects.toMatchObject(refused);
    for (const provider of ['../home', '..', '', 'a/b']) await expect(open(provider)).rejects.toMatchObject(refused);
  });

  it('deletes one home with everything in it, and follows no link out of it', async () => {
    const home = await open('codex');
    const kept = await open('gemini_cli');
    const work = join(root, 'work');
    mkdirSync(work);
    for (const directory of [work, kept]) writeFileSync(join(directory, 'file'), 'kept');
    mkdirSync(join(home, '.codex'));
    writeFileSync(join(home, '.codex/history.jsonl'), 'what the user asked');
    symlinkSync(work, join(home, 'work'));
    await eraseProviderHome(homes, 'codex');
    await eraseProviderHome(homes, 'codex');
    expect(readdirSync(homes)).toEqual(['gemini_cli']);
    expect([work, kept].map((directory) => readFileSync(join(directory, 'file'), 'utf8'))).toEqual(['kept', 'kept']);
    await expect(eraseProviderHome(homes, '../homes')).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
  });
});
