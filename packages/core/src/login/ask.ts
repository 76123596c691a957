import { SallyportError } from '../errors.ts';
import type { AgentEvent } from '../protocol/agent-api.ts';
import type { DeclaredPrompt } from '../provider/declared-prompt.ts';
import type { LoginMethod } from '../provider/login-method.ts';
import type { Runtime } from '../runtime.ts';
import type { Attempt } from './attempt.ts';
import { stillTherePrompt } from './endings.ts';

/**
 * Puts a question of the CLI to the plugins, where it is not secret, and then to the person. The words are those
 * of the manifest: a hostile machine must not be able to ask for a password.
 */
export async function answerOrAsk(
  runtime: Runtime,
  attempt: Attempt,
  event: Extract<AgentEvent, { type: 'login.prompt' }>,
): Promise<void> {
  const { session, agent, manifest, method, signal } = attempt;
  const { sessionId, userId } = session;
  const { promptId } = event;
  const declared = declaredPrompts(method).find((prompt) => prompt.id === promptId);
  if (declared && !declared.secret) {
    const answer = await runtime.hooks.loginPrompt(declared, { userId, provider: manifest.id, sessionId, signal });
    if (answer !== undefined) {
      await agent.answer(manifest.id, { sessionId, promptId, value: answer });
      return;
    }
  }
  const asked = declared ?? (promptId === stillTherePrompt.id ? stillTherePrompt : undefined);
  if (!asked) {
    throw new SallyportError(
      'LOGIN_PROMPT_REFUSED',
      `The login machine asked "${promptId}", which the manifest does not declare.`,
    );
  }
  const { label, kind, secret, choices = [] } = asked;
  signal.throwIfAborted();
  session.openPrompts.add(promptId);
  const data = { promptId, kind, secret, choices: choices.map((choice) => choice.label) };
  await session.note({ type: 'prompt', message: label, data });
}

function declaredPrompts(method: LoginMethod): readonly DeclaredPrompt[] {
  return method.drive.steps.flatMap((step) => (step.do.kind === 'ask' ? [step.do.prompt] : []));
}
