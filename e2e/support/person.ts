import { expect } from 'vitest';

import type { Api } from './api.ts';
import { poll } from './server.ts';
import type { DemoServer } from './server.ts';

/**
 * A person who signs in without a screen: does by HTTP what a browser does on the sign-in page, and knows the code on
 * it from the control socket. Much faster than a desktop, and the CLI, the agent and the server notice no difference.
 */
export interface Person {
  readonly api: Api;
  readonly server: DemoServer;
  readonly userId?: string;
}

export type Way = 'browser:local' | 'browser:desktop' | 'device-code' | 'paste' | 'paste-code';

export interface LoginStatus {
  readonly sessionId: string;
  readonly status: string;
  readonly phase: string;
  readonly method: string;
  readonly display: string;
  readonly authUrl: string | null;
  readonly userCode: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorHint: string | null;
}

/** What the person sees after the last click. */
export interface LastPage {
  readonly status: number;
  readonly text: string;
  /** Where the vendor's page sent the browser. */
  readonly redirect: string | undefined;
}

const ENDED = ['completed', 'failed', 'cancelled'];

/** Connects Codex from beginning to end. */
export async function signIn(person: Person, method: Way = 'browser:local'): Promise<LoginStatus> {
  const sessionId = await startLogin(person, method);
  const waiting = await untilPhase(person, sessionId, 'awaiting-user');
  await visitSignInPage(person, waiting, 'approve');
  const ended = await untilEnded(person, sessionId);
  expect(ended).toMatchObject({ status: 'completed', errorCode: null });
  return ended;
}

export async function startLogin({ api, userId }: Person, method?: Way, provider = 'codex'): Promise<string> {
  const { status, body } = await api.post('/api/auth/start', {
    provider,
    ...(method !== undefined && { method }),
    ...(userId !== undefined && { userId }),
  });
  expect(body).toMatchObject({ sessionId: expect.any(String) });
  expect(status).toBe(201);
  return body.sessionId;
}

export async function loginStatus({ api }: Person, sessionId: string): Promise<LoginStatus> {
  const { status, body } = await api.get(`/api/auth/session/${sessionId}/status`);
  if (status !== 200) throw new Error(`The status of a login was answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** Waits until the login is in this phase now. A login that ends instead is a failure of the test, with its reason. */
export async function untilPhase(person: Person, sessionId: string, phase: string): Promise<LoginStatus> {
  return poll(60_000, `the login to be in phase ${phase}`, async () => {
    const seen = await loginStatus(person, sessionId);
    if (seen.phase === phase) return seen;
    if (ENDED.includes(seen.status)) {
      throw new Error(`The login ended before phase ${phase}: ${seen.errorCode ?? seen.status} ${seen.errorMessage}`);
    }
    return undefined;
  });
}

export async function untilEnded(person: Person, sessionId: string): Promise<LoginStatus> {
  // Long enough for the installation of a CLI on a slow connection.
  return poll(150_000, 'the login to end', async () => {
    const seen = await loginStatus(person, sessionId);
    return ENDED.includes(seen.status) ? seen : undefined;
  });
}

/** Opens the page the person was shown, types what it asks for, presses a button, and goes where that leads. */
export async function visitSignInPage(
  person: Person,
  login: LoginStatus,
  button: 'approve' | 'deny',
): Promise<LastPage> {
  const answered = await answerSignInPage(person, login, button);
  return answered.redirect === undefined ? answered : followRedirect(answered.redirect);
}

/** The same up to the vendor's answer, without going where it redirects to. */
export async function answerSignInPage(
  { server }: Person,
  login: LoginStatus,
  button: 'approve' | 'deny',
): Promise<LastPage> {
  if (login.authUrl === null) throw new Error(`The login shows no link in phase ${login.phase}.`);
  const page = new URL(login.authUrl);
  const form = (fields: Record<string, string>): RequestInit => ({
    method: 'POST',
    body: new URLSearchParams(fields),
    redirect: 'manual',
  });
  const opened = await fetch(page, login.userCode === null ? {} : form({ user_code: login.userCode }));
  const html = await opened.text();
  const id = /name="login" value="([^"]+)"/.exec(html)?.[1];
  if (id === undefined) throw new Error(`The sign-in page has no form (${opened.status}):\n${html}`);
  const painted = (await server.openai()).logins.find((each) => each.id === id);
  if (!painted) throw new Error('The vendor does not know the login of its own page.');
  const target = new URL('/auth.openai.com/oauth/authorize/login', page);
  const answer = await fetch(target, form({ login: id, code: painted.code, action: button }));
  return {
    status: answer.status,
    text: await answer.text(),
    redirect: answer.headers.get('location') ?? undefined,
  };
}

/** As a browser follows the vendor's redirect to the loopback address. */
export async function followRedirect(redirect: string): Promise<LastPage> {
  const response = await fetch(redirect, { redirect: 'follow' });
  return { status: response.status, text: await response.text(), redirect };
}
