import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';

import { Secret } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { checkDatabase, checkPort, verdictOf } from './check-serve.ts';

async function listening(body: string): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address ? address.port : 0 };
}

describe('what keeps the server from starting', () => {
  it.each([
    ['{"status":"ok","timestamp":"2026-11-29T00:00:00Z"}', 'a Sallyport server that runs'],
    ['hello', 'another program'],
  ])('is a port that is taken, by %s', async (body, holder) => {
    const { server, port } = await listening(body);
    expect(await checkPort('127.0.0.1', port)).toEqual({
      name: 'port',
      state: 'missing',
      found: `127.0.0.1:${port} is taken by ${holder}`,
      fix: 'Free the port, or set PORT to another one.',
    });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await checkPort('127.0.0.1', port)).toMatchObject({ state: 'ok' });
  });

  it('is a database that refuses the connection, and the password stays unsaid', async () => {
    const { server, port } = await listening('');
    await new Promise((resolve) => server.close(resolve));
    const url = new Secret(`postgres://ada:hunter2@127.0.0.1:${port}/product`);
    const check = await checkDatabase({ kind: 'postgres', url });
    expect(check).toMatchObject({ name: 'DATABASE_URL', state: 'missing' });
    expect(check.found).toContain(`PostgreSQL at 127.0.0.1:${port} (database product, user ada)`);
    expect(JSON.stringify(check)).not.toContain('hunter2');
  });
});

describe('the verdict of the doctor', () => {
  const ok = { name: 'node', state: 'ok', found: '' } as const;
  const degraded = { name: 'limits', state: 'degraded', found: '' } as const;
  const missing = { name: 'port', state: 'missing', found: '' } as const;

  it('follows from what was found', () => {
    expect(verdictOf([ok])).toEqual({ works: true, sentence: '`sallyport serve` would work here.' });
    expect(verdictOf([ok, degraded])).toEqual({
      works: true,
      sentence: '`sallyport serve` would work here. 1 of 2 findings could be better.',
    });
    expect(verdictOf([ok, missing, degraded])).toEqual({
      works: false,
      sentence: '`sallyport serve` would not work here: fix port first.',
    });
  });
});
