import { SallyportError } from '../base/errors.ts';
import type { AgentEvent } from '../protocol/agent-api.ts';
import type { Question } from '../provider/question.ts';
import type { LoginMethod } from '../provider/login-method.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Attempt } from './attempt-context.ts';
import { stillThereQuestion } from '../login-engine/endings.ts';
import { hasShape, typedText } from '../login-engine/steps.ts';

/**
 * Puts a question of the CLI to the plugins, where it is not secret, and then to the user. The words are those
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
  const declared = declaredQuestions(method).find((prompt) => prompt.id === promptId);
  if (declared && !declared.secret) {
    const answer = await runtime.hooks.loginQuestion(declared, { userId, provider: manifest.id, sessionId, signal });
    if (answer !== undefined) {
      session.countStep();
      await agent.answer(manifest.id, { sessionId, promptId, value: answer });
      return;
    }
  }
  const asked = declared ?? (promptId === stillThereQuestion.id ? stillThereQuestion : undefined);
  if (!asked) {
    throw new SallyportError(
      'LOGIN_PROMPT_REFUSED',
      `The login machine asked "${promptId}", which the manifest does not declare.`,
    );
  }
  const { label, kind, secret, choices = [] } = asked;
  signal.throwIfAborted();
  session.openQuestions.add(promptId);
  const data = { promptId, kind, secret, choices: choices.map((choice) => choice.label) };
  await session.note({ type: 'prompt', message: label, data });
}

/** Throws for an answer that the CLI could not use. The answer itself is not repeated: it may be most of a secret. */
export function checkAnswer(method: LoginMethod, promptId: string, value: string): void {
  const prompt = declaredQuestions(method).find(({ id }) => id === promptId);
  if (!prompt || hasShape(prompt, typedText(value))) return;
  throw new SallyportError('LOGIN_ANSWER_MALFORMED', `That is not the whole of it: ${prompt.label}.`, {
    ...(prompt.example !== undefined && { hint: `Paste ${prompt.example}` }),
  });
}

function declaredQuestions(method: LoginMethod): readonly Question[] {
  return method.drive.steps.flatMap((step) => (step.do.kind === 'ask' ? [step.do.prompt] : []));
}
