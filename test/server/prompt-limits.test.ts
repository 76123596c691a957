import { problemSchema } from '@sallyport/core/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  await server.connect();
});
afterAll(() => server.close());

const send = (): Promise<Response> => server.post('/api/vm/cli/prompt', { provider: 'fake', prompt: 'hello' });

describe('a prompt behind eight others of the same user', () => {
  it('is refused with 429 and Retry-After until one of those has ended', async () => {
    const accepted = await Promise.all(Array.from({ length: 8 }, send));
    expect(accepted.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    const refused = await send();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(problemSchema.parse(await refused.json())).toMatchObject({ code: 'MACHINE_BUSY', retryable: true });
    const paths = accepted.map(({ headers }) => headers.get('location') ?? '');
    expect((await server.request(paths.at(-1) ?? '', { method: 'DELETE' })).status).toBe(204);
    const next = await send();
    expect(next.status).toBe(200);
    for (const path of [...paths, next.headers.get('location') ?? '']) await server.request(path, { method: 'DELETE' });
    const [last] = (await next.text()).trim().split('\n').slice(-1);
    expect(last).toContain('"outcome":"cancelled"');
  });
});
