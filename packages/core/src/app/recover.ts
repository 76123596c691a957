import { SallyportError } from '../base/errors.ts';
import { loginPhases } from '../login/phases.ts';
import { failSession } from '../login/session.ts';
import type { CliRuntime } from '../cli-machine/cli-runtime.ts';
import type { SessionRecord } from '../contracts/store.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import { reconcileMachines } from './reconcile.ts';

/**
 * Recovers after a restart: brings everything that an earlier process left unfinished to a defined state that the
 * user can continue from. Touches what belongs to this host alone. Idempotent.
 */
export async function recover(runtime: CliRuntime, cliMachines: Pick<CliMachines, 'whileResting'>): Promise<void> {
  await endSessions(runtime);
  await endPrompts(runtime);
  await reconcileMachines(runtime, cliMachines);
}

async function endSessions(runtime: CliRuntime): Promise<void> {
  for (const session of await runtime.store.sessions.live({ host: runtime.host })) {
    if (session.phase === 'cleaning-up' && (await completeSession(runtime, session))) continue;
    await failSession(
      runtime,
      session,
      new SallyportError(
        'LOGIN_INTERRUPTED',
        `The server was restarted while this login was in phase "${session.phase}".`,
      ),
    );
  }
}

/** The session's credential was stored. Only the machine was left to remove, which happens here anyway. */
async function completeSession(runtime: CliRuntime, session: SessionRecord): Promise<boolean> {
  const { sessionId, userId, provider } = session;
  const held = await runtime.store.credentials.current(sessionId, provider);
  const credential = held ?? (await runtime.store.credentials.current(userId, provider));
  if (!credential) return false;
  const change = {
    status: 'completed',
    phase: 'completed',
    authUrl: null,
    userCode: null,
    userCodeExpiresAt: null,
  } as const;
  const { message } = loginPhases.completed;
  const done = { type: 'done', status: 'completed', phase: 'completed', message } as const;
  const { version } = credential;
  const { audit, announce } = runtime.noteEvent(
    held
      ? { type: 'login.held', userId, sessionId, provider }
      : { type: 'login.completed', userId, sessionId, provider, version },
  );
  if (await runtime.store.sessions.update(sessionId, change, done, audit)) announce();
  return true;
}

async function endPrompts(runtime: CliRuntime): Promise<void> {
  for (const { promptId, userId, provider } of await runtime.store.prompts.running({ host: runtime.host })) {
    const end = {
      type: 'prompt-end',
      outcome: 'failed',
      code: 'PROMPT_FAILED',
      message: 'The server was restarted while this prompt ran.',
      hint: 'Send the prompt again.',
    } as const;
    const { audit, announce } = runtime.noteEvent({
      type: 'prompt.ended',
      userId,
      promptId,
      provider,
      outcome: end.outcome,
      code: end.code,
    });
    if ((await runtime.store.prompts.append(promptId, [end], audit)).length > 0) announce();
  }
}
