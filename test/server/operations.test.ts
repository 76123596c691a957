import { readFile } from 'node:fs/promises';

import { expect, it } from 'vitest';

import { startTestServer } from './test-server.ts';

it('describes every route that is not hidden, and hides only what is not part of the API', async () => {
  const server = await startTestServer();
  const document = Object(await (await server.request('/openapi.json')).json());
  await server.close();
  const described = Object.entries(Object(document.paths)).flatMap(([path, methods]) =>
    Object.keys(Object(methods)).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  );
  const routes = server.routes.filter((route) => !route.startsWith('HEAD '));
  expect(routes.filter((route) => !described.includes(route)).toSorted()).toEqual([
    'GET *',
    'GET /api/auth/session/:id/novnc',
    'GET /connect',
    'GET /metrics',
    'GET /openapi.json',
    // What the page of a connect link calls, with its cookie.
    'POST /api/connect-links/current/login',
    'POST /api/connect-links/current/return',
    'POST /api/connect-links/open',
  ]);
  expect(described.filter((route) => !routes.includes(route))).toEqual([]);
});

it('serves the description that docs/openapi.json holds', async () => {
  const server = await startTestServer();
  const document = await (await server.request('/openapi.json')).json();
  await server.close();
  const committed = await readFile(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
  expect(JSON.parse(committed)).toEqual(document);
});

it('has every route in the table of docs/http-api.md, and no other', async () => {
  const server = await startTestServer();
  await server.close();
  const text = await readFile(new URL('../../docs/http-api.md', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  const documented = rows.flatMap((row) => {
    let method = '';
    // A code span without a method has that of the span before it; one that is not a path is the body of a request.
    const spans = [...(row.split(' | ')[0] ?? '').matchAll(/`(?:([A-Z]+) )?(\/[^`]+)`/g)];
    return spans.flatMap(([, named, target = '']) => {
      method = named ?? method;
      const [path = ''] = target.split('?');
      const [, before, choices] = path.match(/^(.*)\{(.+)\}$/) ?? [];
      return (choices?.split(',') ?? ['']).map((choice) => `${method} ${before ?? path}${choice}`);
    });
  });
  const routes = server.routes.filter(
    // The page, the desktop's files and the page of a connect link are not called by programs.
    (route) => !/^HEAD|^GET (\*|\/connect)$|connect-links\/(open|current)/.test(route),
  );
  // Fastify does not know the route of a WebSocket.
  const all = [...routes, 'GET /api/auth/session/:id/novnc/websock'];
  expect(documented.toSorted()).toEqual(all.toSorted());
});

it('documents failures as problems and streams as server-sent events', async () => {
  const server = await startTestServer();
  const { components, paths } = Object(await (await server.request('/openapi.json')).json());
  await server.close();
  const { responses } = paths['/api/vm/cli/prompt'].post;
  expect(Object.keys(responses['200'].content)).toEqual(['text/event-stream']);
  expect(responses['200'].content['text/event-stream'].schema).toEqual({ $ref: '#/components/schemas/PromptEvent' });
  expect(responses['4XX'].content['application/problem+json'].schema).toEqual({ $ref: '#/components/schemas/Problem' });
  expect(components.schemas.Problem.required).toContain('hint');
});

it('counts without naming anybody', async () => {
  const server = await startTestServer();
  const name = 'ada@example.org';
  await server.connect(name);
  server.output.put({ type: 'stdout', line: '{"type":"text","text":"hi"}' });
  server.output.put({ type: 'exit', code: 0, signal: null, reason: 'ended' });
  const prompt = { provider: 'fake', prompt: 'hello', userId: name };
  await (await server.post('/api/vm/cli/prompt', prompt)).text();
  const started = Object(await (await server.post('/api/auth/start', { provider: 'fake', userId: name })).json());
  await server.post(`/api/auth/session/${started.sessionId}/cancel`, {});
  const machines = await server.machineIds(name);
  const load = await (await server.request('/api/vms/load')).json();
  const response = await server.request('/metrics');
  const text = await response.text();
  await server.close();
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(text).toContain('sallyport_prompts_total{provider="fake",outcome="completed"} 1');
  expect(text).toContain('sallyport_logins_total{provider="fake",outcome="cancelled"} 1');
  expect(text).toContain('sallyport_credential_versions_total{provider="fake",reason="import"} 1');
  expect(text).toContain('sallyport_machines_running{role="cli"} 1');
  expect(load).toEqual({
    waiting: 0,
    underWay: 0,
    running: 1,
    hibernated: 0,
    reservedMemoryMb: 384,
    memoryLimitMb: null,
  });
  expect(text).toContain('sallyport_login_seconds_count{provider="fake",outcome="cancelled"} 1');
  expect(text).toContain('sallyport_prompt_first_token_seconds_count{provider="fake"} 1');
  expect(text).toContain('sallyport_machine_start_seconds_count{role="cli",start="cold"} 1');
  expect(text).toContain(
    'sallyport_http_request_seconds_count{method="POST",route="/api/auth/session/:id/cancel",status="2xx"} 1',
  );
  expect(text).toContain('sallyport_memory_reserved_bytes 402653184');
  expect(text).toContain('sallyport_machines_waiting 0');
  expect(machines).toHaveLength(1);
  for (const machineId of machines) expect(text).not.toContain(machineId);
  expect(text).not.toMatch(/ada|example\.org|[0-9a-f]{8}-[0-9a-f]{4}-/);
});

it('logs neither bodies, queries, tickets nor addresses of users', async () => {
  const server = await startTestServer();
  await server.connect();
  server.output.put({ type: 'stdout', line: '{"type":"text","text":"canary-answer"}' });
  server.output.put({ type: 'exit', code: 0, signal: null, reason: 'ended' });
  await (await server.post('/api/vm/cli/prompt', { provider: 'fake', prompt: 'canary-prompt' })).text();
  await server.post('/api/credentials/fake', { files: { auth: 'canary-file' } });
  await server.request('/nowhere?token=canary-query');
  await server.request('/api/providers?token=canary-value');
  await server.request('/%zz?token=canary-broken');
  await server.request('/api/providers', {
    headers: { authorization: 'Bearer canary-header', cookie: 'canary=cookie' },
  });
  const started = Object(await (await server.post('/api/auth/start', { provider: 'fake' })).json());
  const issued = Object(await (await server.post(`/api/auth/session/${started.sessionId}/ticket`, {})).json());
  await server.post(`/api/auth/session/${started.sessionId}/answer`, { promptId: 'code', value: 'canary-answer' });
  await server.post('/api/auth/start', { provider: 5, userId: 'canary-user' });
  const log = await server.close();
  expect(log).toContain('"code":"REQUEST_INVALID"');
  expect(log).not.toContain('canary');
  expect(log).not.toContain('secret-token');
  expect(issued.ticket).toMatch(/^[\w-]{32}$/);
  expect(log).not.toContain(issued.ticket);
});

it('prints no warning when it starts', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): unknown => warnings.push(warning);
  process.on('warning', note);
  const server = await startTestServer();
  await server.request('/health');
  await server.close();
  process.off('warning', note);
  expect(warnings).toEqual([]);
});
