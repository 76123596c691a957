import type { PromptEvent } from '@sallyport/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { rawRequest } from './raw-request.ts';
import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

let server: TestServer;
let brokenReads = 0;

beforeAll(async () => {
  server = await startTestServer({
    store: (store) => ({
      ...store,
      prompts: {
        ...store.prompts,
        events: async (...query) => {
          if (brokenReads-- > 0) throw new Error('The connection to the database was lost');
          return store.prompts.events(...query);
        },
      },
    }),
  });
  await server.connect();
});
afterAll(() => server.close());

const text = (piece: string) => ({ type: 'stdout' as const, line: JSON.stringify({ type: 'text', text: piece }) });
const end = { type: 'exit', code: 0, signal: null, reason: 'ended' } as const;

interface Received {
  readonly id: number;
  readonly event: PromptEvent;
}

function parse(body: string): readonly Received[] {
  return [...body.matchAll(/^id: (\d+)\ndata: (.*)$/gm)].map(([, id, data]) => ({
    id: Number(id),
    event: JSON.parse(data ?? ''),
  }));
}

/** A prompt that has printed `alpha` and goes on when it is told to. */
async function startPrompt(): Promise<{ readonly path: string; readonly response: Response }> {
  server.output.put(text('alpha'));
  const response = await server.post('/api/vm/cli/prompt', { provider: 'fake', prompt: 'hello' });
  expect(response.status).toBe(200);
  return { path: response.headers.get('location') ?? '', response };
}

describe('a prompt', () => {
  it('streams server-sent events that nobody on the way may keep or change', async () => {
    const { path, response } = await startPrompt();
    server.output.put(text('omega'), end);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    expect(path).toMatch(/^\/api\/vm\/cli\/prompt\/[0-9a-f-]{36}$/);
    const body = await response.text();
    expect(body.startsWith('retry: 1000\n\n')).toBe(true);
    const events = parse(body);
    expect(events[0]?.event).toMatchObject({ type: 'prompt-start', promptId: path.split('/').at(-1) });
    expect(events.at(-1)?.event).toMatchObject({ type: 'prompt-end', outcome: 'completed' });
    expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).toSorted((a, b) => a - b));
  });

  it('is resumed at every event without a gap and without a repetition', async () => {
    const { path, response } = await startPrompt();
    server.output.put(text('beta'), text('gamma\nwith a second line'), end);
    const whole = parse(await response.text());
    expect(whole.length).toBeGreaterThan(4);
    expect(parse(await (await server.request(`${path}/events`)).text())).toEqual(whole);
    for (const [index, { id }] of whole.entries()) {
      const resumed = await server.request(`${path}/events`, { headers: { 'last-event-id': String(id) } });
      expect(parse(await resumed.text())).toEqual(whole.slice(index + 1));
    }
  });

  it('is not streamed again to a client that has read its end, which EventSource asks for each second', async () => {
    const { path, response } = await startPrompt();
    const seen = (id: number) => server.request(`${path}/events`, { headers: { 'last-event-id': String(id) } });
    server.output.put(text('omega'), end);
    const last = parse(await response.text()).at(-1)?.id ?? 0;
    for (const id of [last, last + 1]) {
      const again = await seen(id);
      expect([again.status, await again.text()]).toEqual([204, '']);
    }
    expect((await seen(last - 1)).status).toBe(200);
    expect((await server.request(`${path}/events`)).status).toBe(200);
  });

  it('is resumed while it runs, and its headers come before there is anything new', async () => {
    const { path, response } = await startPrompt();
    await response.body?.cancel();
    const partial = new AbortController();
    const reader = (await server.request(`${path}/events`, { signal: partial.signal })).body
      ?.pipeThrough(new TextDecoderStream())
      .getReader();
    let body = '';
    while (!body.includes('alpha')) body += (await reader?.read())?.value ?? '';
    partial.abort();
    const seen = parse(body);
    const last = seen.at(-1)?.id ?? 0;
    const resumed = await server.request(`${path}/events`, { headers: { 'last-event-id': String(last) } });
    expect(resumed.status).toBe(200);
    server.output.put(text('omega'), end);
    const rest = parse(await resumed.text());
    expect(rest.map(({ id }) => id).every((id) => id > last)).toBe(true);
    expect(rest.map(({ event }) => event.type)).toEqual(['text', 'prompt-end']);
  });

  it('is not waited for behind an event that it does not have', async () => {
    const { path, response } = await startPrompt();
    const resumed = await server.request(`${path}/events`, { headers: { 'last-event-id': '1231890822' } });
    expect(resumed.status).toBe(400);
    expect(await resumed.json()).toMatchObject({
      code: 'REQUEST_INVALID',
      detail: expect.stringContaining('Last-Event-ID'),
    });
    server.output.put(end);
    await response.text();
  });

  it('begins with its first event, whatever Last-Event-ID is sent along with a new prompt', async () => {
    server.output.put(end);
    const response = await server.request('/api/vm/cli/prompt', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'last-event-id': '1231890822' },
      body: JSON.stringify({ provider: 'fake', prompt: 'x' }),
    });
    expect(parse(await response.text()).map(({ event }) => event.type)).toContain('prompt-start');
  });

  it('goes on when nobody listens, and ends when it is cancelled', async () => {
    const { path, response } = await startPrompt();
    await response.body?.cancel();
    expect((await server.request(path, { method: 'DELETE' })).status).toBe(204);
    const events = parse(await (await server.request(`${path}/events`)).text());
    expect(events.at(-1)?.event).toMatchObject({ type: 'prompt-end', outcome: 'cancelled', code: 'PROMPT_CANCELLED' });
  });

  it.each(['abc', '-1', '1.5', '1e3', '0x10', '99999999999999999999', '1, 2', ' ', 'NaN'])(
    'refuses to resume behind "%s"',
    async (id) => {
      const { path, response } = await startPrompt();
      server.output.put(end);
      await response.text();
      const lines = [
        `GET ${path}/events HTTP/1.1`,
        `Host: ${server.host}`,
        `Last-Event-ID: ${id}`,
        'Connection: close',
      ];
      const resumed = await rawRequest(Number(new URL(server.url).port), lines);
      // A header of blanks is an empty one.
      expect(resumed.status).toBe(id.trim() === '' ? 200 : 400);
      if (id.trim() !== '') expect(JSON.parse(resumed.body)).toMatchObject({ code: 'REQUEST_INVALID' });
    },
  );

  it('lets go of a reader who went away', async () => {
    const { path } = await startPrompt();
    const events = vi.spyOn(server.sallyport.prompts, 'events');
    const away = new AbortController();
    const left = await server.request(`${path}/events`, { signal: away.signal });
    expect(left.status).toBe(200);
    const signal = events.mock.calls.at(-1)?.[2];
    expect(signal?.aborted).toBe(false);
    away.abort();
    await expect.poll(() => signal?.aborted).toBe(true);
    server.output.put(end);
  });

  it('cuts a broken stream off, so that it does not look like one that ended', async () => {
    const { path, response } = await startPrompt();
    server.output.put(end);
    await response.text();
    brokenReads = 1;
    const broken = await server.request(`${path}/events`);
    await expect(broken.text()).rejects.toThrow();
    expect(parse(await (await server.request(`${path}/events`)).text()).at(-1)?.event.type).toBe('prompt-end');
  });
});

describe('a login session', () => {
  it('streams its phases and can be followed from the middle', async () => {
    const started = Object(await (await server.post('/api/auth/start', { provider: 'fake', method: 'paste' })).json());
    const path = `/api/auth/session/${started.sessionId}`;
    const stream = await server.request(`${path}/events`);
    server.agentEvents.put({
      type: 'login.failed',
      sessionId: started.sessionId,
      code: 'LOGIN_DENIED',
      message: 'No.',
      screen: '',
    });
    const events = [...(await stream.text()).matchAll(/^id: (\d+)\ndata: (.*)$/gm)].map(([, id, data]) => ({
      id,
      ...JSON.parse(data ?? ''),
    }));
    expect(events.at(-1)).toMatchObject({ type: 'done', status: 'failed' });
    const finished = await server.request(`${path}/events`, { headers: { 'last-event-id': events.at(-1).id } });
    expect(finished.status).toBe(204);
    const middle = events.at(2).id;
    const resumed = await server.request(`${path}/events`, { headers: { 'last-event-id': middle } });
    expect([...(await resumed.text()).matchAll(/^id: (\d+)$/gm)].map(([, id]) => id)).toEqual(
      events.slice(3).map(({ id }) => id),
    );
    expect(await (await server.request(`${path}/status`)).json()).toMatchObject({
      status: 'failed',
      errorCode: 'LOGIN_DENIED',
      errorMessage: 'No.',
    });
  });

  it('is not streamed to a HEAD request', async () => {
    const { path, response } = await startPrompt();
    server.output.put(end);
    await response.text();
    expect((await server.request(`${path}/events`, { method: 'HEAD' })).status).toBe(404);
  });
});
