import type { ExecuteEvent } from '@sallyport/core/protocol';
import type { Provider } from '@sallyport/core/provider';
import { provider as gemini } from '@sallyport/provider-gemini';
import * as fc from 'fast-check';

import { createPromptReader } from '../../packages/core/src/prompts/reader.ts';

/** Patterns that a manifest may have, each of which takes about all the steps of one match on a line of letters. */
const slow = ['(?:\\pL?){118}$[^\\pLA]', '(?:a?){120}b', '(?:[a-z]?x?){35}$[^a-z]', '(?:a{1,4}){20}c'];

/** What a machine prints, and a manifest that is slow with it. */
export const slowLines = fc.record({
  patterns: fc.array(fc.constantFrom(...slow), { minLength: 1, maxLength: 20 }),
  lines: fc.array(fc.record({ letter: fc.constantFrom('a', 'x'), length: fc.integer({ min: 1000, max: 9000 }) }), {
    minLength: 1,
    maxLength: 4,
  }),
});

/** Reads a prompt as a server does. */
export async function readSlowLines(given: ReturnType<typeof slowLines.generate>['value']): Promise<void> {
  const { manifest } = gemini;
  const reloginNeeded = given.patterns.map((pattern) => ({ pattern }));
  const provider: Provider = { manifest: { ...manifest, prompt: { ...manifest.prompt, reloginNeeded } } };
  const reader = createPromptReader(provider);
  for (const { letter, length } of given.lines) {
    const event: ExecuteEvent = { type: 'stdout', line: letter.repeat(length) };
    await reader.take(event);
  }
}
