import { createSallyport, resolveUserId, SallyportError } from '@sallyport/core';
import type { LoginEvent, SallyportOptions } from '@sallyport/core';

/** Shows the user a step of the login. Returns what the user answers to a step of the type `prompt`. */
export type ShowStep = (step: LoginEvent) => Promise<string>;

/** Logs the user in to the first provider if that is needed, sends the prompt, and returns the answer of the CLI. */
export async function ask(options: SallyportOptions, method: string, prompt: string, show: ShowStep): Promise<string> {
  const user = resolveUserId('ada');
  const { signal } = new AbortController();
  const app = createSallyport(options);
  const provider = app.providers.list()[0]?.manifest.id ?? '';
  let answer = '';
  await app.start();
  try {
    if ((await app.store.credentials.current(user.userId, provider))?.valid !== true) {
      const { sessionId } = await app.logins.start({ ...user, provider, method });
      for await (const { event } of app.logins.events(sessionId, 0, signal)) {
        const typed = await show(event);
        if (event.type === 'prompt') await app.logins.answer(sessionId, event.data.promptId, typed);
        if (event.type === 'done' && event.data) throw new SallyportError('LOGIN_FAILED', event.message, event.data);
      }
    }
    const { promptId } = await app.prompts.start({ userId: user.userId, provider, prompt });
    for await (const { event } of app.prompts.events(promptId, 0, signal)) {
      if (event.type === 'text') answer += event.text;
      if (event.type === 'prompt-end' && event.outcome !== 'completed')
        throw new SallyportError('PROMPT_FAILED', event.message ?? `The prompt has ended: ${event.outcome}.`);
    }
    return answer;
  } finally {
    await app.close();
  }
}
