import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { startLoginRequestSchema } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { until } from '../../../../test/setup/until.ts';
import { createPatientClock } from '../__fixtures__/patient-clock.ts';
import type { PatientClock } from '../__fixtures__/patient-clock.ts';
import {
  credential,
  isRunning,
  listenLocally,
  loginRequest,
  provider,
  signInUrl,
  startTestAgent,
  token,
  withoutLink,
} from '../__fixtures__/test-agent.ts';
import type { TestAgent } from '../__fixtures__/test-agent.ts';
import { createOffers } from '../credentials/offers.ts';
import { createEventLog } from '../event-log.ts';
import { createRedactor } from '../redact.ts';
import { installBrowserShim } from './browser-shim.ts';
import { createLoginRunner } from './login-runner.ts';

const url = signInUrl(45_671);
const openBrowser = `"$BROWSER" '${url}'`;
const waitFor = (file: string): string => `while [ ! -e "$HOME/${file}" ]; do sleep 0.02; done`;
const write = `mkdir -p "$HOME/.fake"; printf '%s' '${credential}' > "$HOME/.fake/tmp"; mv "$HOME/.fake/tmp" "$HOME/.fake/auth.json"`;

const start = (agent: TestAgent, request = loginRequest()) => agent.post(`/auth/${provider}`, request);
const signal = (agent: TestAgent, file: string): Promise<void> => writeFile(join(agent.home, file), '');

describe('a login', () => {
  it('takes the link from the browser command and offers the credential until it is acknowledged', async () => {
    await using agent = await startTestAgent(`${openBrowser}; ${waitFor('go')}; ${write}; echo Logged in.`);
    const request = loginRequest();
    const answer = await start(agent, request);
    expect(answer).toEqual({ status: 200, body: { success: true, oauthUrl: url, userCode: null } });
    expect(await agent.event('login.awaiting-callback')).toMatchObject({ port: 45_671 });
    const status = `/credentials/status?sessionId=${request.sessionId}`;
    expect((await agent.get(status)).body).toEqual({ authenticated: false, path: '~/.fake/auth.json' });
    await signal(agent, 'go');
    const offer = await agent.event('credential.offered');
    expect(offer).toMatchObject({ provider, sessionId: request.sessionId, files: { auth: credential } });
    await agent.event('login.finished');
    expect((await agent.get(status)).body).toMatchObject({ authenticated: true });
    expect((await agent.post('/credentials/ack', { offerId: offer.offerId })).body).toEqual({
      success: true,
      known: true,
    });
    expect((await agent.post('/credentials/ack', { offerId: offer.offerId })).body).toMatchObject({ known: false });
  });

  it('takes the link from the screen when the CLI opens no browser', async () => {
    await using agent = await startTestAgent(`echo 'Go to ${url}'; echo waiting; sleep 600`);
    expect((await start(agent)).body).toMatchObject({ oauthUrl: url });
  });

  it.skipIf(process.platform !== 'linux')(
    'leads the printed link to the listener of a CLI that opens no browser',
    async () => {
      const page = 'https://id.example.com/code';
      const printed = `https://id.example.com/authorize?state=s1&redirect_uri=${encodeURIComponent(page)}`;
      const script = `
        const server = require('node:http').createServer();
        server.listen(0, '127.0.0.1', () => console.log('Go to ${printed}\\nwaiting for port ' + server.address().port));`;
      await using agent = await startTestAgent(`"${process.execPath}" -e "${script}"`);
      const callback = { ports: [], path: '/cb', printed: { uri: page, host: '127.0.0.1' as const } };
      const { body } = await start(agent, loginRequest({ callback }));
      const { port } = await agent.event('login.awaiting-callback');
      expect(body).toMatchObject({ success: true, oauthUrl: signInUrl(port) });
    },
  );

  it('asks the user and types the answer', async () => {
    const script = `printf 'Paste the code: '; read code; [ "$code" = abc123 ] && { ${write}; echo Logged in.; }`;
    await using agent = await startTestAgent(script);
    const prompt = { id: 'code', label: 'Code', kind: 'code', secret: true } as const;
    const when = { text: 'Paste the code:' };
    const request = loginRequest({
      ...withoutLink,
      drive: {
        kind: 'terminal',
        argv: ['login'],
        steps: [{ id: 'paste', when, do: { kind: 'ask', prompt } }],
      },
    });
    const { sessionId } = request;
    expect((await start(agent, request)).body).toMatchObject({ oauthUrl: null });
    expect(await agent.event('login.prompt')).toMatchObject({ promptId: 'code', secret: true });
    const early = await agent.post(`/auth/${provider}/answer`, { sessionId, promptId: 'other', value: 'x' });
    expect(early).toMatchObject({ status: 409, body: { code: 'LOGIN_ANSWER_UNEXPECTED' } });
    const path = `/auth/${provider}/answer`;
    expect((await agent.post(path, { sessionId, promptId: 'code', value: '  ' })).status).toBe(409);
    expect((await agent.post(path, { sessionId, promptId: 'code', value: 'abc123' })).status).toBe(200);
    expect(await agent.event('credential.offered')).toMatchObject({ sessionId });
  });

  it('types the key of a step again where the CLI has lost it', async () => {
    const script = `stty -echo; echo 'Choose a theme'; read lost; read kept; ${write}; echo Logged in.`;
    const clock = createPatientClock();
    await using agent = await startTestAgent(script, {}, clock);
    const enter = { kind: 'send', text: '\r', afterMs: 300, repeats: 1 } as const;
    const steps = [{ id: 'theme', when: { text: 'Choose a theme' }, do: enter }];
    const request = loginRequest({ ...withoutLink, drive: { kind: 'terminal', argv: ['login'], steps } });
    const answer = start(agent, request);
    expect(await clock.passUntil(agent.event('credential.offered'))).toMatchObject({ sessionId: request.sessionId });
    expect(await clock.passUntil(answer)).toMatchObject({ status: 200 });
  });

  it('says what the screen showed when the CLI crashes, without its secrets', async () => {
    await using agent = await startTestAgent(`echo 'Fatal: token sk-ant-oat01-abcdefghijklmnop'; exit 3`);
    const { status, body } = await start(agent);
    expect(status).toBe(502);
    expect(body).toMatchObject({ code: 'LOGIN_CLI_CRASHED' });
    expect(body['message']).toMatch(/Fatal: token \[.+\]/);
    expect(await agent.event('login.failed')).toMatchObject({ code: 'LOGIN_CLI_CRASHED' });
    expect(JSON.stringify(agent.events)).not.toContain('oat01');
  });

  it('tells a refused sign-in from a crash', async () => {
    await using agent = await startTestAgent(`${openBrowser}; ${waitFor('go')}; echo 'Error: access denied'; exit 1`);
    await start(agent);
    await signal(agent, 'go');
    expect(await agent.event('login.failed')).toMatchObject({ code: 'LOGIN_DENIED' });
  });

  it('does not believe a CLI that says it is done with a blank credential', async () => {
    const blank = write.replace('refresh-token-canary-1', '');
    const clock = createPatientClock();
    await using agent = await startTestAgent(
      `${openBrowser}; ${waitFor('go')}; ${blank}; echo Logged in.; sleep 600`,
      {},
      clock,
    );
    await start(agent);
    await signal(agent, 'go');
    // Time passes with the looks at the file only, so that the first capture ends long before the login is given up.
    let naps = 0;
    await until('the credential to be rejected', async () => {
      if (clock.naps > naps) await clock.advance(200);
      naps = clock.naps;
      return agent.events.some(({ type }) => type === 'credential.rejected');
    });
    expect(await agent.event('credential.rejected')).toMatchObject({
      problem: expect.stringContaining('/tokens/refresh'),
    });
    expect(await clock.passUntil(agent.event('login.failed'))).toMatchObject({ code: 'CREDENTIAL_INCOMPLETE' });
    expect(agent.events.some((event) => event.type === 'credential.offered')).toBe(false);
  });

  it('waits for a file that is written in two halves', async () => {
    const half = Math.floor(credential.length / 2);
    const [head, tail] = [credential.slice(0, half), credential.slice(half)];
    const file = '"$HOME/.fake/auth.json"';
    const script = `${openBrowser}; printf '%s' '${head}' > ${file}; echo Logged in.; sleep 0.4; printf '%s' '${tail}' >> ${file}; sleep 600`;
    // However long the second half takes here: no time passes for the agent.
    await using agent = await startTestAgent(script, {}, createPatientClock());
    await start(agent);
    expect(await agent.event('credential.offered')).toMatchObject({ files: { auth: credential } });
  });

  it('can be cancelled, and leaves no process behind', async () => {
    const script = `sleep 600 & echo $! > "$HOME/child"; echo $$ > "$HOME/pid"; ${openBrowser}; sleep 600`;
    await using agent = await startTestAgent(script);
    const request = loginRequest();
    await start(agent, request);
    expect((await agent.post(`/auth/${provider}/cancel`, { sessionId: randomUUID() })).status).toBe(404);
    expect((await agent.post(`/auth/${provider}/cancel`, { sessionId: request.sessionId })).status).toBe(200);
    for (const name of ['pid', 'child']) {
      expect(await isRunning(Number(await readFile(join(agent.home, name), 'utf8')))).toBe(false);
    }
    expect(await agent.event('login.failed')).toMatchObject({ code: 'LOGIN_CANCELLED' });
    const again = await agent.post(`/auth/${provider}/cancel`, { sessionId: request.sessionId });
    expect(again).toMatchObject({ status: 409, body: { code: 'LOGIN_SESSION_OVER' } });
  });

  it('ends when its caller goes away before the answer', async () => {
    await using agent = await startTestAgent(`echo $$ > "$HOME/pid"; sleep 600`);
    const waiting = new AbortController();
    const opening = agent.open('POST', `/auth/${provider}`, loginRequest(), {}, waiting.signal).catch(() => undefined);
    await until('the CLI to run', () => existsSync(join(agent.home, 'pid')));
    waiting.abort();
    await opening;
    expect(await agent.event('login.failed')).toMatchObject({ code: 'LOGIN_CANCELLED' });
  });

  it('is given up at its time limit, and says so', async () => {
    await using agent = await startTestAgent('sleep 600');
    const clock = createPatientClock();
    await using runner = await startRunner(agent, clock);
    const command = startLoginRequestSchema.parse(loginRequest({ ...withoutLink, timeoutMs: 10_000 }));
    const login = runner.start(provider, command, new AbortController().signal);
    await expect(clock.passUntil(login)).rejects.toMatchObject({
      code: 'LOGIN_TIMED_OUT',
    });
  });

  it('keeps the CLI away from callback ports that are taken outside', async () => {
    const port = 45_677;
    const probe = `node -e 'require("net").createServer().on("error", (e) => console.log(e.code)).listen(${port}, "127.0.0.1", () => console.log("free"))'`;
    await using agent = await startTestAgent(
      `PATH="$PATH:${dirname(process.execPath)}"; ${probe} > "$HOME/seen"; exit 1`,
    );
    await start(agent, { ...loginRequest(withoutLink), occupyPorts: [port] });
    expect(await readFile(join(agent.home, 'seen'), 'utf8')).toBe('EADDRINUSE\n');
    await agent.event('login.failed');
    await new Promise<void>((resolve, reject) => {
      const server = createServer()
        .once('error', reject)
        .listen(port, '127.0.0.1', () => server.close(() => resolve()));
    });
  });

  it('is refused while another one runs', async () => {
    await using agent = await startTestAgent(`${openBrowser}; sleep 600`);
    await start(agent);
    expect(await start(agent)).toMatchObject({ status: 409, body: { code: 'LOGIN_IN_PROGRESS' } });
    expect((await agent.get('/health')).body).toMatchObject({ activeSessions: 1 });
  });

  it('runs in a separate home where the command would destroy the credential that is there', async () => {
    await using agent = await startTestAgent(
      `rm -f "$HOME/.fake/auth.json"; ${write.replace('canary-1', 'canary-2')}; echo Logged in.`,
    );
    await mkdir(join(agent.home, '.fake'));
    await writeFile(join(agent.home, '.fake', 'auth.json'), credential);
    await start(agent, loginRequest({ freshHome: true, ...withoutLink }));
    const offer = await agent.event('credential.offered');
    expect(offer.files['auth']).toContain('canary-2');
    expect(await readFile(join(agent.home, '.fake', 'auth.json'), 'utf8')).toBe(credential);
  });

  it('finds its settings in place, and no token or variable of the agent around it', async () => {
    process.env['CANARY_OF_THE_AGENT'] = 'canary';
    const script = `cat "$HOME/.fake/config" > "$HOME/seen"; env >> "$HOME/seen"; cat /proc/$$/cmdline >> "$HOME/seen"; exit 7`;
    await using agent = await startTestAgent(script, { certificateAuthority: 'ours' });
    await start(agent, loginRequest(withoutLink));
    delete process.env['CANARY_OF_THE_AGENT'];
    const seen = await readFile(join(agent.home, 'seen'), 'utf8');
    expect(seen).toContain('updates = off');
    expect(seen).toContain('FAKE_SETTING=from the manifest');
    expect(seen).toContain(`SSL_CERT_FILE=${agent.boot.runtime}/ca-bundle.pem`);
    expect(seen).not.toContain('CANARY');
    expect(seen).not.toContain(token);
  });

  it('gets the variables of its method on top of those of the manifest', async () => {
    await using agent = await startTestAgent(`env > "$HOME/seen"; exit 7`);
    const env = { DISPLAY: ':9', FAKE_SETTING: 'from the method' };
    await start(agent, loginRequest({ ...withoutLink, drive: { kind: 'terminal', argv: ['login'], env } }));
    const seen = await readFile(join(agent.home, 'seen'), 'utf8');
    expect(seen).toContain('DISPLAY=:9');
    expect(seen).toContain('FAKE_SETTING=from the method');
  });

  it('cannot be started for a CLI this machine does not have', async () => {
    await using agent = await startTestAgent('exit 0');
    const answer = await agent.post('/auth/unknown', loginRequest());
    expect(answer).toMatchObject({ status: 503, body: { code: 'PROVIDER_CLI_MISSING' } });
  });
});

/** A login runner by itself, on another clock. */
async function startRunner({ boot }: TestAgent, clock: PatientClock) {
  const over = new AbortController();
  const log = createEventLog();
  const shim = await installBrowserShim(boot.runtime);
  const surroundings = { runtime: boot.runtime, proxyPort: undefined, trust: undefined };
  const offers = createOffers({ log, clock: systemClock, signal: over.signal });
  const runner = createLoginRunner({ boot, surroundings, shim, log, offers, redactor: createRedactor(), clock });
  return {
    ...runner,
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await clock.passUntil(runner.close());
      shim.close();
    },
  };
}

describe('a callback', () => {
  it('reaches the CLI once, when its state is right, and only its outcome comes back', async () => {
    const seen: string[] = [];
    const cli = await listenLocally((request, response) => {
      seen.push(request.url ?? '');
      if (request.url?.startsWith('/cb'))
        response.writeHead(302, { location: `http://127.0.0.1:${cli.port}/success`, 'set-cookie': 'a=b' });
      response.end('<script>hostile</script>');
    });
    await using agent = await startTestAgent(`"$BROWSER" '${signInUrl(cli.port)}'; sleep 600`);
    const refused = await agent.get('/auth/callback?code=c1&state=s1');
    expect(refused).toMatchObject({ status: 400, body: { code: 'LOGIN_CALLBACK_REFUSED' } });
    await start(agent);
    expect((await agent.get('/auth/callback?code=c1&state=wrong')).status).toBe(400);
    expect(seen).toEqual([]);
    expect(await agent.get('/auth/callback?code=c1&state=s1&evil=1')).toEqual({ status: 200, body: { ok: true } });
    expect(seen).toEqual(['/cb?code=c1&state=s1', '/success']);
    expect((await agent.get('/auth/callback?code=c1&state=s1')).status).toBe(400);
    expect(await agent.event('login.callback')).toMatchObject({ ok: true });
    cli.close();
  });

  it('with an error says how the login ends, whatever the CLI answers and shows', async () => {
    const cli = await listenLocally((_request, response) => response.writeHead(400).end());
    const shown = `"$BROWSER" '${signInUrl(cli.port)}'; ${waitFor('go')}; echo 'Error: access denied'; exit 1`;
    await using agent = await startTestAgent(shown);
    await start(agent);
    const answer = await agent.get('/auth/callback?error=temporarily_unavailable&state=s1');
    expect(answer).toEqual({ status: 200, body: { ok: true } });
    await signal(agent, 'go');
    expect(await agent.event('login.failed')).toMatchObject({
      code: 'LOGIN_FAILED',
      message: expect.stringContaining('temporarily_unavailable'),
    });
    cli.close();
  });

  it('reaches a CLI that listens on the IPv6 loopback address', async () => {
    const seen: string[] = [];
    const cli = await listenLocally((request, response) => {
      seen.push(request.url ?? '');
      if (request.url?.startsWith('/cb')) response.writeHead(302, { location: `http://[::1]:${cli.port}/success` });
      response.end();
    }, '::1');
    const link = signInUrl(cli.port).replace('127.0.0.1', '%5B%3A%3A1%5D');
    await using agent = await startTestAgent(`"$BROWSER" '${link}'; sleep 600`);
    await start(agent);
    expect(await agent.get('/auth/callback?code=c1&state=s1')).toEqual({ status: 200, body: { ok: true } });
    expect(seen).toEqual(['/cb?code=c1&state=s1', '/success']);
    cli.close();
  });

  it('that the CLI is slow to take lets the user go, and is still seen through to its end', async () => {
    const seen: string[] = [];
    const [asked, redeemed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const cli = await listenLocally((request, response) => {
      seen.push(request.url ?? '');
      if (!request.url?.startsWith('/cb')) {
        response.end();
        return;
      }
      asked.resolve();
      void redeemed.promise.then(() => response.writeHead(302, { location: '/success' }).end());
    });
    const clock = createPatientClock();
    await using agent = await startTestAgent(`"$BROWSER" '${signInUrl(cli.port)}'; sleep 600`, {}, clock);
    await start(agent);
    const answer = agent.get('/auth/callback?code=c1&state=s1');
    await asked.promise;
    await clock.advance(5000);
    expect((await answer).status).toBe(200);
    expect(await agent.event('login.callback')).toMatchObject({ ok: true });
    redeemed.resolve();
    await until('the second page', () => seen.length === 2);
    expect(seen).toEqual(['/cb?code=c1&state=s1', '/success']);
    cli.close();
  });

  it('is never followed to another place', async () => {
    const seen: string[] = [];
    const cli = await listenLocally((request, response) => {
      seen.push(request.url ?? '');
      response.writeHead(302, { location: 'http://127.0.0.1:1/elsewhere' }).end();
    });
    await using agent = await startTestAgent(`"$BROWSER" '${signInUrl(cli.port)}'; sleep 600`);
    await start(agent);
    expect((await agent.get('/auth/callback?code=c1&state=s1')).status).toBe(200);
    expect(seen).toHaveLength(1);
    cli.close();
  });
});
