import type { ServerResponse } from 'node:http';

import type { Clock } from '@sallyport/core';
import { z } from 'zod';

import { sendJson } from '../fake-internet/site.ts';
import type { VendorFaultSwitches } from '../fake-vendor/faults.ts';
import { streamEvents, wordsOf } from '../fake-vendor/model/event-stream.ts';
import { generateRequestSchema, type ModelTurn, planTurn } from './model-script.ts';

export interface ModelParts {
  readonly switches: VendorFaultSwitches;
  readonly clock: Clock;
  readonly wordDelayMs: number;
}

export type GenerateMethod = 'generateContent' | 'streamGenerateContent';

export const unauthenticated = {
  error: {
    code: 401,
    message: 'Request had invalid authentication credentials. Expected OAuth 2 access token.',
    status: 'UNAUTHENTICATED',
  },
};

/** The model, whichever API it is reached through: each wraps the answers differently. */
export async function answerPrompt(
  response: ServerResponse,
  { switches, clock, wordDelayMs }: ModelParts,
  asked: { readonly method: GenerateMethod; readonly body: unknown; readonly wrap: (answer: object) => object },
): Promise<void> {
  const { api401, modelStatus, slowBytes } = switches.current();
  if (api401 === 'once') switches.change({ api401: false });
  if (api401 !== false) {
    sendJson(response, 401, unauthenticated);
    return;
  }
  if (modelStatus !== null) {
    const status = { 429: 'RESOURCE_EXHAUSTED', 500: 'INTERNAL' }[modelStatus];
    sendJson(response, modelStatus, { error: { code: modelStatus, message: 'The model was told to fail.', status } });
    return;
  }
  const parsed = generateRequestSchema.safeParse(asked.body);
  if (!parsed.success) {
    const message = `The body is not a request for content: ${z.prettifyError(parsed.error)}`;
    sendJson(response, 400, { error: { code: 400, message, status: 'INVALID_ARGUMENT' } });
    return;
  }
  const turn = planTurn(parsed.data);
  const pieces = piecesOf(turn);
  const { wrap } = asked;
  if (asked.method === 'generateContent') {
    const whole = turn.kind === 'text' ? { text: turn.text } : pieces[0];
    sendJson(response, 200, wrap(chunk(whole ?? { text: '' }, true)));
    return;
  }
  const events = pieces.map((part, index) => ({
    data: wrap(chunk(part, index === pieces.length - 1)),
    word: 'text' in part,
  }));
  const paceMs = turn.kind === 'text' ? turn.wordDelayMs : undefined;
  await streamEvents(response, events, { clock, wordDelayMs: paceMs ?? wordDelayMs, slowBytes });
}

type Part = { readonly text: string } | { readonly functionCall: { readonly name: string; readonly args: object } };

function piecesOf(turn: ModelTurn): readonly Part[] {
  if (turn.kind === 'command')
    return [{ functionCall: { name: 'run_shell_command', args: { command: turn.command } } }];
  return wordsOf(turn.text).map((text) => ({ text }));
}

function chunk(part: Part, last: boolean): object {
  return {
    candidates: [{ content: { role: 'model', parts: [part] }, ...(last && { finishReason: 'STOP' }), index: 0 }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
  };
}
