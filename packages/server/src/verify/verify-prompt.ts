import { SallyportError } from '@sallyport/core';

import type { Verification } from './verification.ts';

/** The credential goes into a machine that has never seen it, and the CLI answers with it. */
export async function verifyPrompt(
  { app, provider }: Verification,
  userId: string,
  signal: AbortSignal,
): Promise<void> {
  const { promptId } = await app.prompts.start({ userId, provider: provider.manifest.id, prompt: 'Say hello.' });
  let text = '';
  for await (const { event } of app.prompts.events(promptId, 0, signal)) {
    if (event.type === 'text') text += event.text;
    if (event.type !== 'prompt-end' || event.outcome === 'completed') continue;
    throw new SallyportError('PROMPT_FAILED', `The prompt ended as ${event.outcome}: ${event.message ?? 'no reason'}`);
  }
  if (text.trim() === '') throw new SallyportError('PROMPT_FAILED', 'The prompt was completed without an answer.');
}
