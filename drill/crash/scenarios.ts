import { randomUUID } from 'node:crypto';

import type { Api } from '../../e2e/support/api.ts';
import type { DrillServer } from './drill-server.ts';

/** What a server is killed in the middle of. */
export interface Scenario {
  readonly name: string;
  /** Brings a new user to where it begins. */
  prepare(user: DrillUser): Promise<void>;
  act(user: DrillUser, server: DrillServer): Promise<unknown>;
  /** Default false. */
  readonly endsServer?: boolean;
}

export interface DrillUser {
  readonly userId: string;
  readonly api: Api;
  /** Told about each secret that the user enters. */
  readonly onSecret: (value: string) => void;
}

export const scenarios: readonly Scenario[] = [
  { name: 'a login', prepare: nothing, act: signIn },
  { name: 'a first prompt', prepare: signIn, act: prompt },
  { name: 'a prompt on a machine that runs', prepare: usingMachine, act: prompt },
  {
    name: 'a login again, and a prompt with it',
    prepare: usingMachine,
    act: async (user) => {
      await signIn(user);
      await prompt(user);
    },
  },
  { name: 'destroying a machine', prepare: usingMachine, act: destroyMachine },
  { name: 'disconnecting', prepare: usingMachine, act: disconnect },
  { name: 'erasing a user', prepare: usingMachine, act: ({ api, userId }) => api.remove(`/api/users/${userId}`) },
  { name: 'stopping the server', prepare: usingMachine, act: (_user, server) => server.stop(), endsServer: true },
];

/** A user goes on after a crash: with the login they had, or with a new one. */
export async function goOn(user: DrillUser): Promise<void> {
  const { body } = await user.api.get(`/api/credentials?userId=${user.userId}`);
  if (!body.some(({ valid }: { readonly valid: boolean }) => valid)) await signIn(user);
  await prompt(user);
}

async function nothing(): Promise<void> {}

async function usingMachine(user: DrillUser): Promise<void> {
  await signIn(user);
  await prompt(user);
}

/** By the `paste` method, whose code the fake CLI keeps as its token. */
async function signIn({ api, userId, onSecret }: DrillUser): Promise<void> {
  const started = await api.post('/api/auth/start', { provider: 'fake', method: 'paste', userId });
  if (started.status !== 201) throw new Error(`The login was answered ${started.status}.`);
  const { sessionId } = started.body;
  await api.sessionEvents(sessionId, async (event) => {
    if (event.type !== 'prompt') return;
    const value = `code-${randomUUID()}`;
    onSecret(value);
    await api.post(`/api/auth/session/${sessionId}/answer`, { promptId: event.data.promptId, value });
  });
  const { body } = await api.get(`/api/auth/session/${sessionId}/status`);
  if (body.status !== 'completed') throw new Error(`The login ended ${body.status}: ${body.errorMessage}`);
}

/** The fake CLI refreshes its token before it answers. */
async function prompt({ api, userId }: DrillUser): Promise<void> {
  const { end } = await api.prompt({ userId, provider: 'fake', prompt: 'hello' });
  if (end.outcome !== 'completed') throw new Error(`The prompt ended ${JSON.stringify(end)}`);
}

async function destroyMachine({ api, userId }: DrillUser): Promise<void> {
  const { body } = await api.get(`/api/vms?userId=${userId}`);
  const [{ vmId }] = body;
  const { status } = await api.post(`/api/vms/${vmId}/destroy?userId=${userId}`);
  if (status >= 300) throw new Error(`Destroying the machine was answered ${status}.`);
}

async function disconnect({ api, userId }: DrillUser): Promise<void> {
  const { status } = await api.remove(`/api/credentials/fake?userId=${userId}`);
  if (status >= 300) throw new Error(`Disconnecting was answered ${status}.`);
}
