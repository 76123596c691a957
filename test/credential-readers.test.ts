import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { collectCredential, credentialPaths, missingParts } from '@sallyport/core/engine';
import { MAX_CREDENTIAL_BYTES } from '@sallyport/core/protocol';
import type { MachineDisk } from '@sallyport/core/driver';
import type { CredentialFiles, CredentialItem } from '@sallyport/core/provider';
import { checkProperty } from '@sallyport/testkit';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { readCredential } from '../packages/agent/src/credentials/credential-reading.ts';
import { openDirectory } from '../packages/machines/src/host/safe-directory.ts';
import { createHomeDisk } from '../packages/machines/src/process/disk.ts';

/**
 * A credential is read by the agent while the machine runs, and from the disk while it does not. What one of them
 * accepts and the other refuses is stored today and lost tomorrow.
 */

const items: readonly CredentialItem[] = [
  {
    as: 'file',
    id: 'auth',
    role: 'secret',
    format: 'json',
    mode: 0o600,
    rotates: true,
    require: ['/token'],
    write: 'replace',
    paths: { browser: '~/.cli/auth.json', cli: '~/.cli/auth.json' },
  },
];

let root: string;
let home: string;
let disk: MachineDisk;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sp-readers-'));
  home = join(root, 'home');
  disk = createHomeDisk({
    openHome: () => openDirectory(home, '~'),
    owner: undefined,
    whileStopped: (work) => work(),
    eraseHome: async () => {},
  });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
const contents = fc
  .tuple(
    fc.integer({ min: 0, max: 2 }).map((count) => Buffer.concat(Array.from({ length: count }, () => byteOrderMark))),
    fc.oneof(
      { arbitrary: fc.constant('{"token":"a"}'), weight: 4 },
      fc.constantFrom('', ' \n', '{}', '{"token":""}', '{"token":"a"', '{"token":"a"}\r\n', '{"token":"ä"}'),
      fc.constantFrom(0, 1).map((over) => `{"token":"${'a'.repeat(MAX_CREDENTIAL_BYTES - 12 + over)}"}`),
      fc.json(),
      fc.uint8Array({ maxLength: 40 }),
    ),
    fc.constantFrom('', '\0', '\u{feff}', '\u{d800}'),
  )
  .map(([start, body, end]) => Buffer.concat([start, Buffer.from(body), Buffer.from(end)]));

/** What may lie at the path of a credential. */
const kinds: Readonly<Record<string, (path: string, bytes: Buffer) => void>> = {
  absent: () => {},
  file: (path, bytes) => writeFileSync(path, bytes),
  directory: (path) => mkdirSync(path),
  FIFO: (path) => void execFileSync('mkfifo', [path]),
  link: (path, bytes) => {
    writeFileSync(join(root, 'target'), bytes);
    symlinkSync(join(root, 'target'), path);
  },
  'dangling link': (path) => symlinkSync(join(root, 'nowhere'), path),
  'hard link': (path, bytes) => {
    writeFileSync(join(root, 'target'), bytes);
    linkSync(join(root, 'target'), path);
  },
};

function plant(kind: string, isLinked: boolean, bytes: Buffer): void {
  for (const path of [home, join(root, 'target'), join(root, 'elsewhere')])
    rmSync(path, { recursive: true, force: true });
  mkdirSync(home);
  mkdirSync(join(root, 'elsewhere'));
  if (isLinked) symlinkSync(join(root, 'elsewhere'), join(home, '.cli'));
  else mkdirSync(join(home, '.cli'));
  kinds[kind]?.(join(home, '.cli', 'auth.json'), bytes);
}

async function fromAgent(): Promise<CredentialFiles | undefined> {
  const reading = await readCredential({ home, role: 'cli', items });
  return reading.type === 'complete' ? reading.files : undefined;
}

async function fromDisk(): Promise<CredentialFiles | undefined> {
  try {
    const placed = await disk.harvest('cli', credentialPaths(items, 'cli'));
    const files = collectCredential(items, placed, 'cli');
    return missingParts(items, files).length === 0 ? files : undefined;
  } catch (error) {
    if (SallyportError.isInstance(error) && error.code === 'MACHINE_DISK_UNSAFE') return undefined;
    throw error;
  }
}

describe('the readers of credential files', () => {
  it.each(Object.keys(kinds))('agree on what is a credential: %s', async (kind) => {
    await checkProperty(
      fc.asyncProperty(contents, fc.boolean(), async (bytes, isLinked) => {
        plant(kind, isLinked, bytes);
        expect(await fromDisk()).toEqual(await fromAgent());
      }),
      { runs: kind === 'file' ? 300 : 60 },
    );
  });

  it('accept a file that starts with a byte order mark, and leave the mark out', async () => {
    plant('file', false, Buffer.concat([byteOrderMark, Buffer.from('{"token":"a"}')]));
    expect([await fromAgent(), await fromDisk()]).toEqual([{ auth: '{"token":"a"}' }, { auth: '{"token":"a"}' }]);
  });

  it('refuse a file with a second name, which may be the file of another user', async () => {
    plant('hard link', false, Buffer.from('{"token":"a"}'));
    expect([await fromAgent(), await fromDisk()]).toEqual([undefined, undefined]);
  });
});
