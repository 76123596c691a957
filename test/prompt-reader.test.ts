import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import type { PromptEvent } from '@sallyport/core';
import type { ExecuteEvent } from '@sallyport/core/protocol';
import type { Observation, Provider } from '@sallyport/core/provider';
import { describe, expect, it } from 'vitest';

import { createPromptReader } from '../packages/core/src/prompts/reader.ts';
import { stepsOf } from '../packages/core/src/provider/matcher.ts';
import { patternLimits } from '../packages/core/src/provider/pattern.ts';

/** What a third party may write: one without a parser, and one that believes every exit. */
const bare: Provider = { manifest: gemini.manifest };
const trusting: Provider = {
  manifest: gemini.manifest,
  parse: {
    initial: () => null,
    step: (state, { type }) => ({
      state,
      events: type === 'exit' ? [{ type: 'prompt-end', outcome: 'completed' }] : [],
    }),
  },
};
const providers = Object.entries({ claude, codex, gemini, bare, trusting });

async function read(
  provider: Provider,
  events: readonly (Exclude<Observation, { type: 'exit' }> & { dropped?: number })[],
): Promise<readonly PromptEvent[]> {
  const reader = createPromptReader(provider);
  const exit: ExecuteEvent = { type: 'exit', code: 0, signal: null, reason: 'ended' };
  const shown: PromptEvent[] = [];
  for (const event of [...events, exit]) shown.push(...(await reader.take(event)));
  return shown;
}

describe.each(providers)('a run of %s that ends well', (_name, provider) => {
  it.each([
    ['nothing', []],
    ['empty lines', [{ type: 'stdout', line: '' } as const, { type: 'stdout', line: '  ' } as const]],
    ['words on standard error alone', [{ type: 'stderr', line: 'Loaded cached credentials.' } as const]],
  ])('is not completed when it printed %s', async (_what, events) => {
    const end = (await read(provider, events)).at(-1);
    expect(end).toMatchObject({ type: 'prompt-end', outcome: 'failed', code: 'PROMPT_FAILED' });
    expect(end).toHaveProperty('message', expect.stringMatching(/./));
  });
});

describe('a run with a parser', () => {
  it.each(providers.filter(([name]) => name !== 'bare'))(
    'of %s is not completed when nothing could be read',
    async (_name, provider) => {
      const events = await read(provider, [{ type: 'stdout', line: 'Segmentation fault' }]);
      expect(events.at(-1)).toMatchObject({ outcome: 'failed' });
    },
  );

  it.each([
    ['Gemini CLI', gemini, '{"type":"init","session_id":"s1"}'],
    ['Codex', codex, '{"type":"thread.started","thread_id":"t1"}'],
    ['Claude Code', claude, '{"type":"system","subtype":"init","session_id":"s1"}'],
  ])('of %s is not completed when it began and said no more', async (_name, provider, line) => {
    const events = await read(provider, [{ type: 'stdout', line }]);
    expect(events.at(-1)).toMatchObject({ outcome: 'failed' });
  });
});

describe('the end of a run that failed', () => {
  const body = { error: { type: 'authentication_error', code: 401, message: 'invalid x-api-key' }, request_id: 'r1' };
  it.each([
    ['JSON alone', JSON.stringify(body), 'invalid x-api-key'],
    ['JSON behind words', `API Error: 401 ${JSON.stringify(body)}`, 'API Error: 401 invalid x-api-key'],
    ['JSON inside JSON', JSON.stringify({ error: { message: JSON.stringify(body) } }), 'invalid x-api-key'],
    ['a list', `got status: 400 ${JSON.stringify([body])}`, 'got status: 400 invalid x-api-key'],
    ['JSON without words', '{"code":401}', 'Claude Code failed without saying why.'],
    ['words', 'The {model} is overloaded.', 'The {model} is overloaded.'],
  ])('says what the vendor said, not how: %s', async (_what, said, message) => {
    const result = JSON.stringify({ type: 'result', subtype: 'success', is_error: true, result: said });
    expect((await read(claude, [{ type: 'stdout', line: result }])).at(-1)).toMatchObject({
      outcome: 'failed',
      message,
    });
  });
});

describe('a line that was too long', () => {
  it('is an event like any other, with a notice that it was cut', async () => {
    const result = JSON.stringify({ type: 'result', subtype: 'success', is_error: false, result: 'Hel' });
    const events = await read(claude, [
      { type: 'stdout', line: '{"type":"system","subtype":"init","session_id":"s1"}' },
      { type: 'stdout', line: result, dropped: 1_200_000 },
    ]);
    expect(events.slice(1)).toEqual([
      { type: 'notice', message: 'A line that the CLI printed was too long: 1200000 characters of it are left out.' },
      { type: 'prompt-end', outcome: 'completed' },
    ]);
  });
});

describe('a manifest whose patterns are costly', () => {
  it('leaves the event loop to others while a machine prints what they are slowest with', async () => {
    const reloginNeeded = Array.from({ length: 20 }, (_, index) => ({ pattern: `(?:\\pL?){118}${index}$` }));
    const line = 'x'.repeat(8000);
    const slow: Provider = { manifest: { ...gemini.manifest, prompt: { ...gemini.manifest.prompt, reloginNeeded } } };
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    await read(slow, [
      { type: 'stdout', line },
      { type: 'stdout', line },
    ]);
    isOver = true;
    const steps = 2 * reloginNeeded.reduce((sum, matcher) => sum + stepsOf(matcher, line), 0);
    expect(turns).toBeGreaterThanOrEqual(Math.floor(steps / patternLimits.steps));
    expect(turns).toBeGreaterThan(30);
  });
});
