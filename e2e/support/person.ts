import { openaiStateSchema, visitSignInPages } from '@sallyport/testkit/vendors';
import type { OpenaiState } from '@sallyport/testkit/vendors';
import { expect } from 'vitest';

import type { Api } from './api.ts';
import { poll } from './server.ts';
import type { DemoServer } from './server.ts';

/**
 * A user who signs in without a screen: does by HTTP what a browser does on the sign-in page, and knows the code on
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

/** What the user sees after the last click. */
export interface LastPage {
  readonly status: number;
  readonly text: string;
  /** Where the vendor's page sent the browser. */
  readonly redirect: string | undefined;
  /** What the page shows to be copied. */
  readonly code: string | undefined;
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

export async function startLogin({ api, userId }: Person, method?: string, provider = 'codex'): Promise<string> {
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
  return poll(`the login to be in phase ${phase}`, async () => {
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
  return poll('the login to end', async () => {
    const seen = await loginStatus(person, sessionId);
    return ENDED.includes(seen.status) ? seen : undefined;
  });
}

/** Opens the page the user was shown, types what it asks for, presses a button, and goes where that leads. */
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
  { authUrl, userCode, phase }: LoginStatus,
  button: 'approve' | 'deny',
): Promise<LastPage> {
  if (authUrl === null) throw new Error(`The login shows no link in phase ${phase}.`);
  const page = await visitSignInPages({
    url: authUrl,
    userCode: userCode ?? undefined,
    readCode: async (id) => (await everyLogin(server)).find((login) => login.id === id)?.code,
    button,
  });
  return { ...page, redirect: page.callback?.href };
}

/** The logins of all vendors of a server's fake internet. */
async function everyLogin(server: DemoServer): Promise<OpenaiState['logins']> {
  const states = Object.values(await server.internet.state());
  return states.flatMap((state) => openaiStateSchema.pick({ logins: true }).safeParse(state).data?.logins ?? []);
}

/** As a browser follows the vendor's redirect to the loopback address. */
export async function followRedirect(redirect: string): Promise<LastPage> {
  const response = await fetch(redirect, { redirect: 'follow' });
  return { status: response.status, text: await response.text(), redirect, code: undefined };
}
