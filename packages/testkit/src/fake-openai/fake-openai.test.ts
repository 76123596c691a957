import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createVirtualClock, type VirtualClock } from '../clock.ts';
import { createEgressClient, type EgressRequest, type EgressResponse } from '../fake-internet/egress-client.ts';
import { createFakeInternet, type FakeInternet } from '../fake-internet/fake-internet.ts';
import { createFakeOpenai, type FakeOpenai } from './fake-openai.ts';
import { codexClientId } from './login/authorization-request.ts';

type Send = (url: string, request?: EgressRequest) => Promise<EgressResponse>;

const verifier = randomBytes(48).toString('base64url');
const redirectUri = 'http://127.0.0.1:1455/auth/callback';
const goodLink = {
  client_id: codexClientId,
  response_type: 'code',
  redirect_uri: redirectUri,
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  code_challenge_method: 'S256',
  state: 'state-of-the-link',
  scope: 'openid profile email offline_access',
};

let directory: string;
let clock: VirtualClock;
let openai: FakeOpenai;
let internet: FakeInternet;
let send: Send;
let sendFromOther: Send;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fo-'));
  clock = createVirtualClock();
  openai = createFakeOpenai({ clock, wordDelayMs: 0 });
  internet = await createFakeInternet({ directory, sites: openai.sites });
  [send, sendFromOther] = await Promise.all([openMachine('m-one'), openMachine('m-two')]);
});

afterEach(async () => {
  await internet.close();
  await rm(directory, { recursive: true, force: true });
});

describe('fake identity provider', () => {
  it('shows an error page for every link that is off in one thing', async () => {
    const wrong: Record<string, string> = {
      client_id: 'somebody-else',
      response_type: 'token',
      redirect_uri: 'http://127.0.0.1:1456/auth/callback',
      code_challenge: 'short',
      code_challenge_method: 'plain',
      state: '',
      scope: 'openid',
    };
    for (const [name, value] of Object.entries(wrong)) {
      const page = await send(link({ ...goodLink, [name]: value }));
      expect(page.status, name).toBe(400);
      expect(page.headers['content-type']).toContain('text/html');
    }
    expect((await send(`${link(goodLink)}&state=second-state-value`)).status).toBe(400);
    expect((await send(link(goodLink))).status).toBe(200);
  });

  it('never has the code in the page, and paints a fresh one after a wrong try', async () => {
    const page = await send(link(goodLink));
    const first = lastLogin();
    expect(page.body).not.toContain(first.code);
    const again = await submit(send, first.id, 'nope');
    expect(again.status).toBe(401);
    expect(lastLogin().code).not.toBe(first.code);
    expect((await submit(send, first.id, first.code)).status).toBe(401);
  });

  it('gives up after five wrong codes', async () => {
    await send(link(goodLink));
    const { id } = lastLogin();
    for (let tries = 0; tries < 4; tries += 1) expect((await submit(send, id, 'nope')).status).toBe(401);
    expect((await submit(send, id, 'nope')).status).toBe(403);
    expect((await submit(send, id, lastLogin().code)).status).toBe(403);
  });

  it('accepts the code only from the machine that loaded the page', async () => {
    await send(link(goodLink));
    const { id, code } = lastLogin();
    expect((await sendFromOther(`https://auth.openai.com/login/code.svg?login=${id}`)).status).toBe(404);
    expect((await submit(sendFromOther, id, code)).status).toBe(403);
    expect(lastLogin()).toMatchObject({ machineId: 'm-one', outcome: 'waiting', strangers: ['m-two', 'm-two'] });
    expect((await submit(send, id, code)).status).toBe(303);
  });

  it('sends the user back with the state of the link, approved or denied', async () => {
    const approved = await redirectOf({});
    expect(approved.origin + approved.pathname).toBe(redirectUri);
    expect(approved.searchParams.get('state')).toBe(goodLink.state);
    openai.control.setFaults({ denyLogin: true });
    expect((await redirectOf({})).searchParams.get('error')).toBe('access_denied');
    openai.control.setFaults({ denyLogin: false, wrongState: true });
    expect((await redirectOf({})).searchParams.get('state')).not.toBe(goodLink.state);
  });

  it("serves the login in the user's own browser too", async () => {
    const page = await fetch(internet.userUrl(link(goodLink)));
    expect(page.status).toBe(200);
    const action = /<form method="post" action="([^"]+)"/.exec(await page.text())?.[1] ?? '';
    const { id, code, machineId } = lastLogin();
    expect(machineId).toBe('person');
    const answer = await fetch(new URL(action, page.url), {
      method: 'POST',
      body: new URLSearchParams({ login: id, code, action: 'approve' }),
      redirect: 'manual',
    });
    expect(answer.headers.get('location')).toMatch(/^http:\/\/127\.0\.0\.1:1455\/auth\/callback\?code=/);
  });
});

describe('fake token endpoint', () => {
  it('redeems a code once, with the right verifier and redirect, within a minute', async () => {
    expect((await redeem(await newCode(), { code_verifier: randomBytes(48).toString('base64url') })).status).toBe(400);
    expect((await redeem(await newCode(), { redirect_uri: `${redirectUri}x` })).status).toBe(400);
    expect((await redeem(await newCode(), { client_id: 'other' })).status).toBe(400);
    const late = await newCode();
    await clock.advance(61_000);
    expect((await redeem(late)).status).toBe(400);
    const code = await newCode();
    expect((await redeem(code)).status).toBe(200);
    expect((await redeem(code)).status).toBe(400);
    expect(openai.state().families).toMatchObject([{ revokedBecause: 'code_reused' }]);
  });

  it('takes a refresh token once, and revokes the family when it comes back', async () => {
    const first = await newTokens();
    const second = await refresh(first.refresh_token);
    expect(second.status).toBe(200);
    const { access_token: access, refresh_token: next } = JSON.parse(second.body);
    expect((await callModel(access)).status).toBe(200);
    const replay = await refresh(first.refresh_token);
    expect(replay.status).toBe(401);
    expect(JSON.parse(replay.body).error.code).toBe('refresh_token_reused');
    expect(JSON.parse((await refresh(next)).body).error.code).toBe('refresh_token_invalidated');
    expect((await callModel(access)).status).toBe(401);
  });

  it('ends access tokens when they say so', async () => {
    openai.control.setFaults({ accessLifetimeSeconds: 60 });
    const { access_token: access } = await newTokens();
    expect((await callModel(access)).status).toBe(200);
    await clock.advance(61_000);
    const refused = await callModel(access);
    expect(refused.status).toBe(401);
    expect(JSON.parse(refused.body).error.code).toBe('token_expired');
  });

  it('revokes a login for good', async () => {
    const tokens = await newTokens();
    await send('https://auth.openai.com/oauth/revoke', json({ token: tokens.refresh_token }));
    expect((await refresh(tokens.refresh_token)).status).toBe(401);
    expect((await callModel(tokens.access_token)).status).toBe(401);
  });

  it('puts the canary into every token as it is', async () => {
    const { access_token, refresh_token, id_token } = await newTokens();
    for (const token of [access_token, refresh_token, id_token]) expect(token).toContain(openai.canary);
    expect(() => createFakeOpenai({ canary: 'not base64url!' })).toThrow(/canary/);
  });
});

describe('fake model API', () => {
  it('refuses requests without a token, with an unknown one, and with a refresh token', async () => {
    const { refresh_token: other } = await newTokens();
    expect((await send('https://chatgpt.com/backend-api/codex/responses', json({}))).status).toBe(401);
    for (const token of ['made-up', other]) expect((await callModel(token)).status).toBe(401);
  });

  it('streams an answer that repeats the prompt', async () => {
    const { access_token: token } = await newTokens();
    const whole = await callModel(token);
    expect(whole.headers['content-type']).toBe('text/event-stream');
    expect(whole.body).toContain('"delta":" hello"');
    expect(whole.body).toContain('event: response.completed');
  });

  it('fails on demand', async () => {
    const { access_token: token } = await newTokens();
    openai.control.setFaults({ api401: 'once' });
    expect((await callModel(token)).status).toBe(401);
    expect((await callModel(token)).status).toBe(200);
    openai.control.setFaults({ modelStatus: 429 });
    expect((await callModel(token)).status).toBe(429);
    expect(() => openai.control.setFaults({ modelStatus: 200 })).toThrow();
  });

  it('refuses a scripted command when the CLI declares no shell tool', async () => {
    const { access_token: token } = await newTokens();
    expect((await callModel(token, '[[read note.txt]]')).status).toBe(400);
  });
});

async function openMachine(machineId: string): Promise<Send> {
  const hosts = Object.keys(openai.sites);
  const plan = { machineId, userId: 'u', purpose: 'sign-in', hosts, identity: { userId: 'u' } } as const;
  return createEgressClient(await internet.open(plan, { signal: AbortSignal.timeout(60_000) }));
}

function link(parameters: Record<string, string>): string {
  return `https://auth.openai.com/oauth/authorize?${new URLSearchParams(parameters).toString()}`;
}

function lastLogin() {
  const login = openai.state().logins.at(-1);
  if (!login) throw new Error('No login page was opened.');
  return login;
}

function form(fields: Record<string, string>): EgressRequest {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  };
}

function json(body: unknown, headers: Record<string, string> = {}): EgressRequest {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

function submit(from: Send, login: string, code: string): Promise<EgressResponse> {
  return from('https://auth.openai.com/oauth/authorize/login', form({ login, code, action: 'approve' }));
}

async function redirectOf(change: Record<string, string>): Promise<URL> {
  await send(link({ ...goodLink, ...change }));
  const { id, code } = lastLogin();
  const { headers } = await submit(send, id, code);
  return new URL(String(headers.location));
}

async function newCode(): Promise<string> {
  return (await redirectOf({})).searchParams.get('code') ?? '';
}

function redeem(code: string, change: Record<string, string> = {}): Promise<EgressResponse> {
  return send(
    'https://auth.openai.com/oauth/token',
    form({
      grant_type: 'authorization_code',
      client_id: codexClientId,
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
      ...change,
    }),
  );
}

async function newTokens(): Promise<{ access_token: string; refresh_token: string; id_token: string }> {
  return JSON.parse((await redeem(await newCode())).body);
}

function refresh(refreshToken: string): Promise<EgressResponse> {
  return send(
    'https://auth.openai.com/oauth/token',
    json({ grant_type: 'refresh_token', client_id: codexClientId, refresh_token: refreshToken }),
  );
}

function callModel(token: string, prompt = 'hello'): Promise<EgressResponse> {
  const input = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: prompt }] }];
  return send(
    'https://chatgpt.com/backend-api/codex/responses',
    json({ model: 'any', stream: true, input }, { authorization: `Bearer ${token}` }),
  );
}
