import { randomUUID } from 'node:crypto';

import { SallyportError, toSallyportError } from '@sallyport/core';
import type { MethodChoice } from '@sallyport/core';

import { verifyCliCommand } from './verify-command.ts';
import { verifyLogin } from './verify-login.ts';
import { verifyPrompt } from './verify-prompt.ts';
import { verifyRefresh } from './verify-refresh.ts';
import type { Verification } from './verification.ts';
import type { MethodReport, Step, StepReport } from './report.ts';

/** One user's whole life with one login method: log in, prompt, refresh, log out. */
export async function verifyMethod(
  verification: Verification,
  way: MethodChoice,
  signal: AbortSignal,
): Promise<MethodReport> {
  const userId = randomUUID();
  const work: Readonly<Record<Step, () => Promise<void | 'none'>>> = {
    login: () => verifyLogin(verification, way, userId, signal),
    prompt: () => verifyPrompt(verification, userId, signal),
    refresh: () => verifyRefresh(verification, way, userId, signal),
    logout: () => logOut(verification, way, userId, signal),
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
    const connected = (await verification.app.credentials.list(userId)).length > 0;
    if (!connected) return { method: way.method.id, steps: done };
    // A failed refresh does not skip the logout, nor the other way round.
    for (const step of ['prompt', 'refresh', 'logout'] as const) done[step] = await report(work[step], signal);
    return { method: way.method.id, steps: done };
  } finally {
    for (const { machineId } of await verification.app.machines.list(userId)) {
      await verification.app.machines.destroy(userId, machineId);
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

/** The CLI's own egress where it has one, then ours: nothing is left that a prompt could use. */
async function logOut(
  verification: Verification,
  { gives }: MethodChoice,
  userId: string,
  signal: AbortSignal,
): Promise<void> {
  const { app, provider } = verification;
  const { id, commands, credentials } = provider.manifest;
  // A key or token in the environment is not the CLI's to forget.
  if (credentials.some((item) => gives.includes(item.id) && item.as === 'file' && item.role === 'secret')) {
    if (commands.status) await verifyCliCommand(verification, userId, 'status', 'ok', signal);
    if (commands.logout) await verifyCliCommand(verification, userId, 'logout', 'ok', signal);
    if (commands.logout && commands.status)
      await verifyCliCommand(verification, userId, 'status', 'not-logged-in', signal);
  }
  await app.credentials.disconnect(userId, id);
  const refused = await app.prompts.start({ userId, provider: id, prompt: 'Say hello.' }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (SallyportError.isInstance(refused) && refused.code === 'CREDENTIAL_NOT_CONNECTED') return;
  throw new SallyportError('CREDENTIAL_INVALID', 'A prompt was taken after the logout.');
}
