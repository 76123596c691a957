import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { MAX_WORK_FILE_BYTES } from '@sallyport/core/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startTestAgent } from '../__fixtures__/test-agent.ts';
import type { Answer, TestAgent } from '../__fixtures__/test-agent.ts';
import { openBeneath } from './open-beneath.ts';

let agent: TestAgent;
let work: string;

beforeEach(async () => {
  agent = await startTestAgent('exit 0');
  work = join(agent.home, 'work');
  await mkdir(join(work, 'src'), { recursive: true });
  await writeFile(join(agent.home, 'secret'), 'canary');
});

afterEach(() => agent[Symbol.asyncDispose]());

const list = (path: string, more: object = {}): Promise<Answer> =>
  agent.post('/files/list', { path, limit: 100, ...more });

async function read(path: string): Promise<string> {
  const stream = await agent.open('POST', '/files/read', { path });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

describe('what a CLI has left in ~/work', () => {
  it('is listed in the order of its names, in pages', async () => {
    const names = Array.from({ length: 250 }, (_, index) => `f${String(index).padStart(3, '0')}`);
    await Promise.all(names.map((name) => writeFile(join(work, 'src', name), name)));
    const seen: string[] = [];
    for (let hasMore = true; hasMore;) {
      const { body } = await list('src', seen.length === 0 ? {} : { after: seen.at(-1) });
      seen.push(...[body['entries']].flat().map((entry) => String(Object.values(entry ?? {})[0])));
      hasMore = body['hasMore'] === true;
    }
    expect(seen).toEqual(names);
  });

  it('is listed by what it is, without a look at where a link leads', async () => {
    await writeFile(join(work, 'file'), 'four');
    await symlink(join(agent.home, 'secret'), join(work, 'link'));
    execFileSync('mkfifo', [join(work, 'pipe')]);
    const { body } = await list('');
    expect(body['entries']).toMatchObject([
      { name: 'file', type: 'file', size: 4 },
      { name: 'link', type: 'link', size: 0 },
      { name: 'pipe', type: 'other', size: 0 },
      { name: 'src', type: 'directory', size: 0 },
    ]);
  });

  it('is nothing before a CLI has run', async () => {
    await rm(work, { recursive: true });
    expect((await list('')).body).toEqual({ entries: [], hasMore: false });
    expect((await agent.post('/files/read', { path: 'a' })).status).toBe(404);
  });

  it('is read whole, also if it is empty', async () => {
    await writeFile(join(work, 'src/large'), Buffer.alloc(3_000_000, 'x'));
    await writeFile(join(work, 'src/empty'), '');
    expect((await read('src/large')).length).toBe(3_000_000);
    expect(await read('src/empty')).toBe('');
  });

  it('is refused if it is a link, behind a link, a pipe, a socket or a directory', async () => {
    await symlink(join(agent.home, 'secret'), join(work, 'link'));
    await symlink(agent.home, join(work, 'home'));
    execFileSync('mkfifo', [join(work, 'pipe')]);
    const server = createServer().listen(join(work, 'socket'));
    try {
      for (const path of ['link', 'home/secret', 'pipe', 'socket', 'src']) {
        const { status, body } = await agent.post('/files/read', { path });
        expect([path, status, body['code']]).toEqual([path, 422, 'FILE_REFUSED']);
        expect(JSON.stringify(body)).not.toContain('canary');
      }
    } finally {
      server.close();
    }
    for (const path of ['home', 'link']) expect((await list(path)).body['code']).toBe('FILE_REFUSED');
    for (const path of ['gone', 'src/gone', 'gone/gone']) expect((await list(path)).body['code']).toBe('FILE_UNKNOWN');
    await writeFile(join(work, 'file'), '');
    expect((await list('file')).body['code']).toBe('FILE_REFUSED');
  });

  it('is not read through a directory that is replaced by a link once it has been looked at', async () => {
    await mkdir(join(work, 'dir'));
    await writeFile(join(work, 'dir/secret'), 'harmless');
    const handle = await openBeneath(work, 'dir/secret');
    await handle.close();
    await rename(join(work, 'dir'), join(work, 'away'));
    await symlink(agent.home, join(work, 'dir'));
    await expect(openBeneath(work, 'dir/secret')).rejects.toMatchObject({
      code: 'FILE_REFUSED',
      message: '~/work/dir/secret lies behind a symbolic link, which is not followed.',
    });
  });

  it('is refused if it is larger than 50 MiB', async () => {
    await writeFile(join(work, 'large'), '');
    await truncate(join(work, 'large'), MAX_WORK_FILE_BYTES + 1);
    expect(await agent.post('/files/read', { path: 'large' })).toMatchObject({
      status: 413,
      body: { code: 'FILE_TOO_LARGE' },
    });
  });

  it('lies below it: no other path is taken', async () => {
    for (const path of ['../secret', '/etc/passwd', 'src/../../secret', '.', 'a\0'])
      expect((await agent.post('/files/read', { path })).status).toBe(400);
  });
});
