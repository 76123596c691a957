import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server } from 'node:net';

import { SallyportError } from '@sallyport/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { connect } from './connect.ts';
import { explainConnectionError } from './connection-error.ts';

/** What the fake PostgreSQL answers each connection: an SQLSTATE and a message. */
let refusal: { readonly code: string; readonly message: string };
let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      // An SSLRequest, and then the startup message; PostgreSQL documentation, 54.7.
      if (data.length === 8) socket.write('N');
      else socket.end(errorResponse(refusal));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address ? address.port : 0;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

function errorResponse({ code, message }: typeof refusal): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

const url = (query = ''): string => `postgres://ada:hunter2@127.0.0.1:${port}/product${query}`;

async function refused(connectionString: string): Promise<{ code: string; message: string; hint: string }> {
  try {
    await connect({ connectionString });
  } catch (error) {
    if (!SallyportError.isInstance(error)) throw error;
    const { code, message, hint } = error;
    expect(`${message} ${hint}`).not.toContain('hunter2');
    return { code, message, hint };
  }
  return expect.unreachable('it connected');
}

describe('a connection that PostgreSQL refuses', () => {
  it.each([
    [
      '28P01',
      'password authentication failed for user "ada"',
      'it refused the password of the user ada',
      /percent-enc/,
    ],
    ['28000', 'role "ada" does not exist', 'it does not let this user in (role "ada" does not exist)', /pg_hba\.conf/],
    [
      '28000',
      'no pg_hba.conf entry for host "h", user "ada", database "product", no encryption',
      'it does not let this user in (no pg_hba.conf entry for host "h", user "ada", database "product", no encryption)',
      /sslmode=verify-full/,
    ],
    ['3D000', 'database "product" does not exist', 'it has no database product', /createdb product/],
    ['42501', 'permission denied', 'this user may not connect to that database', /grant connect/],
  ])('with %s names host, port, database, user and what to do: %s', async (code, message, problem, hint) => {
    refusal = { code, message };
    expect(await refused(url())).toEqual({
      code: 'CONFIG_INVALID',
      message: `PostgreSQL at 127.0.0.1:${port} (database product, user ada) cannot be used: ${problem}.`,
      hint: expect.stringMatching(hint),
    });
  });

  it('because of TLS says that the URL asks for it', async () => {
    const { code, message, hint } = await refused(url('?sslmode=verify-full'));
    expect(code).toBe('STORE_UNAVAILABLE');
    expect(message).toContain('DATABASE_URL asks for TLS, which that server refuses');
    expect(hint).toContain('sslmode');
  });

  it('by a certificate file that is not there names the file', async () => {
    const { code, message } = await refused(url('?sslmode=verify-full&sslrootcert=/nowhere/ca.pem'));
    expect(code).toBe('CONFIG_INVALID');
    expect(message).toBe('DATABASE_URL names the file /nowhere/ca.pem, which cannot be read.');
  });
});

describe('a connection that leads nowhere', () => {
  it('says that the port was refused', async () => {
    await new Promise((resolve) => server.close(resolve));
    const { code, message, hint } = await refused(url());
    expect(code).toBe('STORE_UNAVAILABLE');
    expect(message).toContain(`at 127.0.0.1:${port} (database product, user ada)`);
    expect(message).toContain('the connection was refused (ECONNREFUSED)');
    expect(hint).toContain(`listen on port ${port}`);
    server.listen(0);
  });

  const target = { host: 'db', port: 5432, database: 'product', user: 'ada' };

  it.each([
    ['ENOTFOUND', 'the host name db was not found (ENOTFOUND)'],
    ['EAI_AGAIN', 'the host name db was not found (EAI_AGAIN)'],
    ['ETIMEDOUT', 'it did not answer in time (ETIMEDOUT)'],
    ['EHOSTUNREACH', 'no network leads there (EHOSTUNREACH)'],
    ['ECONNRESET', 'it closed the connection without an answer (ECONNRESET)'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'its TLS certificate is not trusted (SELF_SIGNED_CERT_IN_CHAIN)'],
  ])('says what %s means', (code, problem) => {
    expect(explainConnectionError(Object.assign(new Error('no'), { code }), target)).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: `PostgreSQL at db:5432 (database product, user ada) cannot be used: ${problem}.`,
    });
  });

  it('tells apart an answer that never came', () => {
    expect(explainConnectionError(new Error('timeout expired'), target).message).toContain('it did not answer in time');
  });
});
