import { createSallyport } from '@sallyport/client';
import type { Sallyport } from '@sallyport/client';
import { resolveUserId } from '@sallyport/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

let server: TestServer;
let client: Sallyport;
let vmId: string;

beforeAll(async () => {
  server = await startTestServer();
  client = createSallyport({ baseUrl: server.url });
  await server.connect();
  const answer = { type: 'stdout', line: '{"type":"text","text":"done"}' } as const;
  server.output.put(answer, { type: 'exit', code: 0, signal: null, reason: 'ended' });
  await client.prompt({ provider: 'fake', prompt: 'hello' }).result();
  vmId = (await client.machines()).find(({ type }) => type === 'cli')?.vmId ?? '';
  Object.assign(server.workFiles, {
    'a.txt': 'a',
    'src/main.ts': 'export {};\n',
    'src/lib/x': '',
    'src/übung "1".md': 'ü',
  });
});
afterAll(() => server.close());

async function namesIn(path?: string, limit?: number): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name, type } of client.files(vmId, { path, limit })) names.push(`${type} ${name}`);
  return names;
}

const get = (query: string, of = vmId): Promise<Response> => server.request(`/api/vms/${of}/files${query}`);
const content = (path: string): Promise<Response> => get(`/content?path=${encodeURIComponent(path)}`);

describe('the files of a machine', () => {
  it('are listed by directory, page after page', async () => {
    expect(await namesIn()).toEqual(['file a.txt', 'directory src']);
    const all = ['directory lib', 'file main.ts', 'file übung "1".md'];
    expect(await namesIn('src')).toEqual(all);
    expect(await namesIn('src', 1)).toEqual(all);
    const page = await (await get('?path=src&limit=2')).json();
    expect(page).toMatchObject({
      items: [{ name: 'lib' }, { name: 'main.ts', type: 'file', size: 11, modifiedAt: '2026-01-01T00:00:00.000Z' }],
    });
  });

  it('are saved by a browser, which neither shows nor runs them', async () => {
    const response = await content('src/übung "1".md');
    expect(await response.text()).toBe('ü');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '2',
      'content-disposition': `attachment; filename="_bung__1_.md"; filename*=UTF-8''%C3%BCbung%20%221%22.md`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'cache-control': 'no-store',
    });
  });

  it('are read whole by the client, empty ones too', async () => {
    expect(await (await client.readFile(vmId, 'src/main.ts')).text()).toBe('export {};\n');
    expect(await (await client.readFile(vmId, 'src/lib/x')).text()).toBe('');
    await expect(client.readFile(vmId, 'gone')).rejects.toMatchObject({ code: 'FILE_UNKNOWN', status: 404 });
  });

  it.each(['../secret', '/etc/passwd', 'a/../b', 'a//b', './a', 'a/', 'a\0b', 'x'.repeat(256)])(
    'lie below ~/work: %j is refused',
    async (path) => {
      expect((await content(path)).status).toBe(400);
      expect((await get(`?path=${encodeURIComponent(path)}`)).status).toBe(400);
    },
  );

  it.each(['&limit=101', '&limit=0', '&cursor=!', '&cursor=Li4', '&cursor='])(
    'are not listed with %s',
    async (more) => {
      expect((await get(`?path=src${more}`)).status).toBe(400);
    },
  );

  it('are not read from a machine that does not run', async () => {
    const row = {
      machineId: 'm-asleep',
      userId: resolveUserId(undefined).userId,
      role: 'cli',
      driver: 'memory',
    } as const;
    const { store } = server.sallyport;
    await store.machines.create({ ...row, host: 'local', vcpus: 1, memoryMb: 512 });
    for (const query of ['', '/content?path=a.txt']) {
      const response = await get(query, 'm-asleep');
      expect([response.status, await response.json()]).toMatchObject([
        409,
        { code: 'MACHINE_ASLEEP', retryable: true },
      ]);
    }
  });
});
