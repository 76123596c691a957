import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { GuardRecord } from '@sallyport/core/key-ring';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openFileRollbackGuard } from './file-rollback-guard.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'witness-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const guardRecord: GuardRecord = {
  version: 3,
  sha256: 'abc',
  facts: { kind: 'plan', blank: false, account: 'ada@example.com', lineage: 'digest', loginExpiresAt: 5 },
  machineId: 'm-1',
  ended: 'lost',
  next: { version: 4, sha256: 'def' },
};

describe('the rollback guard in the data directory', () => {
  it('remembers across a restart, each login for itself', async () => {
    const before = await openFileRollbackGuard(directory);
    await before.note('u-1', 'codex', guardRecord);
    await before.note('u-1', 'codex', { ...guardRecord, version: 5 });
    await before.note('u-2', 'codex', { version: 1, sha256: null, facts: null, machineId: null });
    const after = await openFileRollbackGuard(directory);
    expect(await after.recall('u-1', 'codex')).toEqual({ ...guardRecord, version: 5 });
    expect(await after.recall('u-2', 'codex')).toEqual({ version: 1, sha256: null, facts: null, machineId: null });
    expect(await after.recall('u-2', 'claude_code')).toBeUndefined();
  });

  it('leaves one file for each login, readable by us alone', async () => {
    const rollbackGuard = await openFileRollbackGuard(join(directory, 'deeper'));
    await rollbackGuard.note('../../u', 'codex', guardRecord);
    await rollbackGuard.note('../../u', 'codex', guardRecord);
    const files = await readdir(join(directory, 'deeper'));
    expect(files.length).toBe(1);
    expect((await stat(join(directory, 'deeper', files[0] ?? ''))).mode & 0o777).toBe(0o600);
  });

  it('trusts nothing it cannot read, and names the file', async () => {
    const rollbackGuard = await openFileRollbackGuard(directory);
    await rollbackGuard.note('u-1', 'codex', guardRecord);
    const [file = ''] = await readdir(directory);
    await writeFile(join(directory, file), (await readFile(join(directory, file), 'utf8')).slice(0, 20));
    await expect(rollbackGuard.recall('u-1', 'codex')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(file),
    });
  });
});
