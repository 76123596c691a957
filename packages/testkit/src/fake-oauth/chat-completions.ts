import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';

import { asRecord, readable, tryParseJson } from '@sallyport/core/driver';
import { z } from 'zod';

import { sendJson } from '../fake-internet/site.ts';
import { streamEvents, type StreamPace, wordsOf } from '../fake-vendor/model/event-stream.ts';
import { plainAnswer, scriptedCommand } from '../fake-vendor/model/script.ts';
import type { ChatModel } from './table.ts';

const requestSchema = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.unknown().optional() })).min(1),
  tools: z.array(z.looseObject({ function: z.looseObject({ name: z.string() }).optional() })).optional(),
  stream: z.boolean().optional(),
});

type ChatRequest = z.infer<typeof requestSchema>;

type Turn =
  | { readonly kind: 'text'; readonly text: string; readonly wordDelayMs?: number }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: string };

/** Answers in the chat completions format, which most CLIs speak with some model or other; streamed where asked. */
export async function answerChat(
  response: ServerResponse,
  body: string,
  model: ChatModel,
  pace: StreamPace,
): Promise<void> {
  const parsed = requestSchema.safeParse(tryParseJson(body));
  if (!parsed.success) {
    const message = `The body is not a chat completions request: ${z.prettifyError(parsed.error)}`;
    sendJson(response, 400, { error: { message, type: 'invalid_request_error', code: null } });
    return;
  }
  const turn = planTurn(parsed.data, model);
  const id = `chatcmpl-${randomBytes(8).toString('hex')}`;
  const facts = { id, created: Math.floor(pace.clock.now() / 1000), model: parsed.data.model };
  if (parsed.data.stream !== true) {
    const message = { role: 'assistant', ...(turn.kind === 'text' ? { content: turn.text } : callOf(turn)) };
    const choice = { index: 0, message, finish_reason: finishOf(turn) };
    sendJson(response, 200, { ...facts, object: 'chat.completion', choices: [choice], usage });
    return;
  }
  const chunk = (delta: object, finish: string | null = null): object => ({
    ...facts,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const pieces = turn.kind === 'text' ? wordsOf(turn.text).map((content) => ({ content })) : [callOf(turn)];
  const wordDelayMs = turn.kind === 'text' ? (turn.wordDelayMs ?? pace.wordDelayMs) : 0;
  await streamEvents(
    response,
    [
      { data: chunk({ role: 'assistant', content: null }) },
      ...pieces.map((piece) => ({ data: chunk(piece), word: true })),
      { data: { ...asRecord(chunk({}, finishOf(turn))), usage } },
      { data: '[DONE]', raw: true },
    ],
    { ...pace, wordDelayMs },
  );
}

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

function finishOf({ kind }: Turn): string {
  return kind === 'text' ? 'stop' : 'tool_calls';
}

function callOf({ name, arguments: given }: Extract<Turn, { kind: 'call' }>): object {
  const call = { index: 0, id: `call_${randomBytes(6).toString('hex')}`, type: 'function' };
  return { tool_calls: [{ ...call, function: { name, arguments: given } }] };
}

/** Scripted by the user's last message, and by what a command printed since. */
function planTurn({ messages, tools = [] }: ChatRequest, { shellTool }: ChatModel): Turn {
  const last = messages.findLastIndex(({ role }) => role === 'user');
  const prompt = textOf(messages[last]?.content).trim();
  const wanted = scriptedCommand(prompt);
  if (!wanted || !shellTool) return { kind: 'text', ...plainAnswer(prompt) };
  const outputs = messages.slice(last + 1).filter(({ role }) => role === 'tool');
  if (outputs.length > 0) {
    return { kind: 'text', text: wanted.report(outputs.map(({ content }) => textOf(content)).join('\n')) };
  }
  if (!tools.some((tool) => tool.function?.name === shellTool.name)) {
    return { kind: 'text', text: wanted.report('There is no tool that runs commands.') };
  }
  const given = JSON.stringify({ ...shellTool.others, [shellTool.command]: wanted.command });
  return { kind: 'call', name: shellTool.name, arguments: given };
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: unknown) => readable(asRecord(part)['text'])).join('');
}
