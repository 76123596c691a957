import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { securityHeaders } from '../../packages/server/src/auth/access.ts';
import { until } from '../setup/until.ts';
import { rawRequest } from './raw-request.ts';
import type { RawResponse } from './raw-request.ts';
import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

let server: TestServer;
let port: number;
let sessionId: string;

beforeAll(async () => {
  server = await startTestServer();
  port = Number(new URL(server.url).port);
  const started = await server.post('/api/auth/start', { provider: 'fake', method: 'browser:desktop' });
  ({ sessionId } = Object(await started.json()));
  // The viewer needs a machine whose agent answers.
  await until('the agent of the login', () => server.sallyport.logins.live(sessionId)?.agent !== undefined);
});
afterAll(() => server.close());

async function ticket(): Promise<string> {
  return Object(await (await server.post(`/api/auth/session/${sessionId}/ticket`, {})).json()).ticket;
}

interface Attempt {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly session?: string;
  readonly path?: string;
}

async function open({ headers = {}, session = sessionId, path }: Attempt): Promise<RawResponse> {
  const all: Readonly<Record<string, string | undefined>> = {
    host: server.host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    origin: server.url,
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': `binary, sallyport.ticket.${await ticket()}`,
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return rawRequest(port, [`GET ${path ?? `/api/auth/session/${session}/novnc/websock`} HTTP/1.1`, ...lines]);
}

describe('the viewer', () => {
  it('is joined with the machine of its session', async () => {
    const upgraded = open({});
    await expect.poll(() => server.desktops).toHaveLength(1);
    server.desktops[0]?.end();
    const response = await upgraded;
    expect(response.status).toBe(101);
    expect(response.headers).toMatchObject({ 'sec-websocket-accept': 'accepted', 'sec-websocket-protocol': 'binary' });
    expect(response.body).toContain('RFB');
  });

  it.each([
    ['without Origin', { origin: undefined }, 403],
    ['of another page', { origin: 'http://evil.example' }, 403],
    ['of a sandboxed page', { origin: 'null' }, 403],
    ['under another name', { host: 'evil.example' }, 403],
    ['that fetch metadata calls another page', { 'sec-fetch-site': 'cross-site' }, 403],
    ['without a ticket', { 'sec-websocket-protocol': 'binary' }, 401],
    ['with a fake ticket', { 'sec-websocket-protocol': 'binary, sallyport.ticket.AAAA' }, 401],
    ['in another version', { 'sec-websocket-version': '8' }, 426],
    ['with a bad key', { 'sec-websocket-key': 'short' }, 400],
  ])('%s is refused with every security header', async (_what, headers, status) => {
    const response = await open({ headers });
    expect(response.status).toBe(status);
    expect(response.headers).toMatchObject(securityHeaders);
    expect(JSON.parse(response.body)).toMatchObject({ status });
    expect(response.headers['content-type']).toBe('application/problem+json');
  });

  it('is refused where a ticket was used before, or belongs to another session', async () => {
    const used = { 'sec-websocket-protocol': `binary, sallyport.ticket.${await ticket()}` };
    expect((await open({ headers: { ...used, 'sec-websocket-key': 'short' } })).status).toBe(400);
    expect((await open({ headers: used })).status).toBe(401);
    const other = await server.post('/api/auth/start', { provider: 'fake', userId: 'other' });
    expect((await open({ session: Object(await other.json()).sessionId })).status).toBe(401);
  });

  it('is refused for a session that does not exist as for one that is not theirs, and at any other address', async () => {
    expect((await open({ session: randomUUID() })).status).toBe(401);
    expect((await open({ path: '/' })).status).toBe(404);
    expect((await open({ path: `/api/auth/session/${sessionId}/novnc/websock/x` })).status).toBe(404);
  });

  it('does not stand in the way of clients that offer HTTP/2 with each request', async () => {
    const lines = ['GET /health HTTP/1.1', `Host: ${server.host}`, 'Connection: Upgrade, HTTP2-Settings, close'];
    const response = await rawRequest(port, [...lines, 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']);
    expect(response.status).toBe(200);
  });
});
