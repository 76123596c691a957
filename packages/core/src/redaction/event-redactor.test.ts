import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkProperty } from '../../../testkit/src/check-property.ts';
import type { PromptEvent } from '../contracts/prompt-event.ts';
import { createEventRedactor } from './event-redactor.ts';

const secret = 'token-0123456789';
const mark = '[redacted]';

function redacted(events: readonly PromptEvent[]): readonly PromptEvent[] {
  const redactor = createEventRedactor();
  redactor.hide([secret]);
  return events.flatMap((event) => redactor.take(event));
}

const end: PromptEvent = { type: 'prompt-end', outcome: 'completed' };

describe('the redaction of prompt events', () => {
  it.each<readonly [string, PromptEvent, PromptEvent]>([
    ['an answer', { type: 'text', text: `a ${secret}` }, { type: 'text', text: `a ${mark}` }],
    ['reasoning', { type: 'reasoning', text: secret }, { type: 'reasoning', text: mark }],
    ['a notice', { type: 'notice', message: `${secret}!` }, { type: 'notice', message: `${mark}!` }],
    [
      'what a machine says',
      { type: 'machine', state: 'ready', message: secret },
      { type: 'machine', state: 'ready', message: mark },
    ],
    [
      'the id of a conversation',
      { type: 'conversation', conversationId: secret },
      { type: 'conversation', conversationId: mark },
    ],
    [
      'a tool call',
      { type: 'tool-start', toolId: secret, name: secret, input: `{"command":"echo ${secret}"}` },
      { type: 'tool-start', toolId: mark, name: mark, input: `{"command":"echo ${mark}"}` },
    ],
    [
      'the result of a tool',
      { type: 'tool-end', toolId: 't', name: secret, output: `${secret}\n${secret}`, ok: true },
      { type: 'tool-end', toolId: 't', name: mark, output: `${mark}\n${mark}`, ok: true },
    ],
    [
      'an error',
      { type: 'prompt-end', outcome: 'failed', code: secret, message: `401 ${secret}`, hint: secret },
      { type: 'prompt-end', outcome: 'failed', code: mark, message: `401 ${mark}`, hint: mark },
    ],
  ])('reaches %s', (_, event, clean) => {
    expect(redacted([event])).toEqual([clean]);
  });

  it('leaves events without a secret as they are', () => {
    const events: PromptEvent[] = [
      { type: 'prompt-start', promptId: 'p', provider: 'fake' },
      { type: 'text', text: '' },
      { type: 'usage', inputTokens: 1, outputTokens: 2 },
      end,
    ];
    expect(redacted(events)).toEqual(events);
  });

  it('finds a secret on both sides of a notice', () => {
    expect(
      redacted([
        { type: 'text', text: 'a token-012' },
        { type: 'notice', message: 'from standard error' },
        { type: 'text', text: '3456789 b' },
      ]),
    ).toEqual([
      { type: 'text', text: 'a ' },
      { type: 'notice', message: 'from standard error' },
      { type: 'text', text: `${mark} b` },
    ]);
  });

  it.each<readonly [string, PromptEvent]>([
    ['a tool call', { type: 'tool-start', toolId: 't', name: 'sh', input: '' }],
    ['the result of a tool', { type: 'tool-end', toolId: 't', name: 'sh', output: '', ok: true }],
    ['reasoning', { type: 'reasoning', text: 'hm' }],
    ['usage', { type: 'usage', inputTokens: 1, outputTokens: 1 }],
    ['the end', end],
  ])('shows what was held back before %s', (_, next) => {
    expect(redacted([{ type: 'text', text: 'the tok' }, next])).toEqual([
      { type: 'text', text: 'the ' },
      { type: 'text', text: 'tok' },
      next,
    ]);
  });

  it('replaces the rest of a secret that goes on after a tool call', () => {
    const tool: PromptEvent = { type: 'tool-start', toolId: 't', name: 'sh', input: '' };
    const events = redacted([{ type: 'text', text: 'token-012' }, tool, { type: 'text', text: '3456789' }]);
    expect(events).toEqual([{ type: 'text', text: 'token-012' }, tool, { type: 'text', text: mark }]);
  });

  it('keeps answer and reasoning apart', () => {
    const events = redacted([{ type: 'text', text: 'token-' }, { type: 'reasoning', text: '0123456789' }, end]);
    expect(events).toEqual([{ type: 'text', text: 'token-' }, { type: 'reasoning', text: '0123456789' }, end]);
  });

  it('shows no secret of a message, whatever its pieces and the notices between them', async () => {
    const words = fc.constantFrom(secret, 'token-', 'tok', 'a', ' ', '9', '\n');
    await checkProperty(
      fc.property(
        fc.array(words, { maxLength: 8 }),
        fc.array(fc.tuple(fc.nat(100), fc.boolean()), { maxLength: 12 }),
        (message, cuts) => {
          const text = message.join('');
          const places = cuts.map(([cut, noticed]) => ({ at: cut % (text.length + 1), noticed }));
          const ordered = places.toSorted((a, b) => a.at - b.at);
          const events = [...ordered, { at: text.length, noticed: false }].flatMap(
            ({ at, noticed }, index): PromptEvent[] => [
              { type: 'text', text: text.slice(ordered[index - 1]?.at ?? 0, at) },
              ...(noticed ? [{ type: 'notice', message: 'from beside' } as const] : []),
            ],
          );
          const shown = redacted([...events, end]);
          const joined = shown.flatMap((event) => (event.type === 'text' ? [event.text] : [])).join('');
          expect(joined).toBe(text.replaceAll(secret, mark));
          expect(shown.at(-1)).toEqual(end);
        },
      ),
      { runs: 1200 },
    );
  });

  it('stops taking new secrets at a limit, and keeps the first ones', () => {
    const redactor = createEventRedactor();
    redactor.hide([secret]);
    redactor.hide(Array.from({ length: 1000 }, (_, index) => `other-${index}-secret`));
    expect(redactor.take({ type: 'notice', message: `${secret} other-1-secret other-999-secret` })).toEqual([
      { type: 'notice', message: `${mark} ${mark} other-999-secret` },
    ]);
  });
});
