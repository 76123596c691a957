import { randomUUID } from 'node:crypto';

import { SallyportError, toSallyportError } from '@sallyport/core';
import type { Candidate } from '@sallyport/core';

import { rehearseCommand } from './verify-command.ts';
import { rehearseLogin } from './verify-login.ts';
import { rehearsePrompt } from './verify-prompt.ts';
import { rehearseRefresh } from './verify-refresh.ts';
import type { Rehearsal } from './verification.ts';
import type { MethodReport, Step, StepReport } from './report.ts';

/** One person's whole life with one login method: log in, prompt, refresh, log out. */
export async function rehearseMethod(rehearsal: Rehearsal, way: Candidate, signal: AbortSignal): Promise<MethodReport> {
  const userId = randomUUID();
  const work: Readonly<Record<Step, () => Promise<void | 'none'>>> = {
    login: () => rehearseLogin(rehearsal, way, userId, signal),
    prompt: () => rehearsePrompt(rehearsal, userId, signal),
    refresh: () => rehearseRefresh(rehearsal, way, userId, signal),
    logout: () => logOut(rehearsal, way, userId, signal),
  };
  const done: Record<Step, StepReport> = {
    login: { outcome: 'not-reached' },
    prompt: { outcome: 'not-reached' },
    refresh: { outcome: 'not-reached' },
    logout: { outcome: 'not-reached' },
  };
  try {
    done.login = await report(work.login, signal);
    // A login may work although its words have changed.
    const connected = (await rehearsal.app.credentials.list(userId)).length > 0;
    if (!connected) return { method: way.method.id, steps: done };
    // A refresh that fails is no reason not to look at the logout, and the other way round.
    for (const step of ['prompt', 'refresh', 'logout'] as const) done[step] = await report(work[step], signal);
    return { method: way.method.id, steps: done };
  } finally {
    for (const { machineId } of await rehearsal.app.machines.list(userId)) {
      await rehearsal.app.machines.destroy(userId, machineId);
    }
  }
}

async function report(work: () => Promise<void | 'none'>, signal: AbortSignal): Promise<StepReport> {
  try {
    return { outcome: (await work()) === 'none' ? 'none' : 'ok' };
  } catch (thrown) {
    signal.throwIfAborted();
    const { code, message, details } = toSallyportError(thrown, 'INTERNAL', String(thrown));
    const { screen } = details;
    return { outcome: 'failed', code, message, ...(typeof screen === 'string' && { screen }) };
  }
}

/** The CLI's own way out where it has one, then ours: nothing is left that a prompt could use. */
async function logOut(rehearsal: Rehearsal, { gives }: Candidate, userId: string, signal: AbortSignal): Promise<void> {
  const { app, provider } = rehearsal;
  const { id, commands, credentials } = provider.manifest;
  // A key or token in the environment is not the CLI's to forget.
  if (credentials.some((item) => gives.includes(item.id) && item.as === 'file' && item.role === 'secret')) {
    if (commands.status) await rehearseCommand(rehearsal, userId, 'status', 'ok', signal);
    if (commands.logout) await rehearseCommand(rehearsal, userId, 'logout', 'ok', signal);
    if (commands.logout && commands.status) await rehearseCommand(rehearsal, userId, 'status', 'not-logged-in', signal);
  }
  await app.credentials.disconnect(userId, id);
  const refused = await app.prompts.start({ userId, provider: id, prompt: 'Say hello.' }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (SallyportError.isInstance(refused) && refused.code === 'CREDENTIAL_NOT_CONNECTED') return;
  throw new SallyportError('CREDENTIAL_INVALID', 'A prompt was taken after the logout.');
}
