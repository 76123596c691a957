import { problemSchema } from '@sallyport/core/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ streams: { perUser: 2, inAll: 3 } });
  for (const user of ['local', 'ada', 'bo']) await server.connect(user);
});
afterAll(() => server.close());

const send = (userId: string) => server.post('/api/vm/cli/prompt', { userId, provider: 'fake', prompt: 'hello' });
const addressOf = ({ headers }: Response): string => headers.get('location') ?? '';

describe('open event streams', () => {
  it('are limited for each user and in all, and a refused prompt does not run', async () => {
    const first = await send('local');
    const second = await server.request(`${addressOf(first)}/events`);
    expect(second.status).toBe(200);
    for (const refused of [await server.request(`${addressOf(first)}/events`), await send('local')]) {
      expect(refused.status).toBe(429);
      expect(refused.headers.get('retry-after')).toBe('5');
      expect(problemSchema.parse(await refused.json())).toMatchObject({ code: 'LIMIT_REACHED' });
    }
    const hers = await send('ada');
    expect(hers.status).toBe(200);
    expect((await send('bo')).status).toBe(429);
    expect((await server.sallyport.store.prompts.running()).length).toBe(2);
    await server.request(addressOf(first), { method: 'DELETE' });
    await Promise.all([first.text(), second.text()]);
    const next = await send('local');
    expect(next.status).toBe(200);
    for (const response of [hers, next]) await server.request(addressOf(response), { method: 'DELETE' });
  });
});
