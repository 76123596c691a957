import { asRecord, readable } from '@sallyport/core/driver';
import { z } from 'zod';

import { plainAnswer, scriptedCommand } from '../fake-vendor/model/script.ts';

/** What the fake model does next, decided from the request alone. */
export type ModelTurn =
  | { readonly kind: 'text'; readonly text: string; readonly wordDelayMs?: number }
  | { readonly kind: 'command'; readonly command: string; readonly inBackground: boolean }
  | { readonly kind: 'refuse'; readonly problem: string };

const messageSchema = z.looseObject({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]),
});

export const messagesRequestSchema = z.looseObject({
  model: z.string(),
  max_tokens: z.number().int().min(1),
  messages: z.array(messageSchema).min(1),
  tools: z.array(z.looseObject({ name: z.string() })).optional(),
  stream: z.boolean().optional(),
});

export type MessagesRequest = z.infer<typeof messagesRequestSchema>;

/** The tool by which the CLI lets a model run a shell command. */
export const shellTool = 'Bash';

/** Decides by the script that all fake models follow. `[[recall]]` is answered with all that the user said in this conversation. */
export function planTurn({ messages, tools = [] }: MessagesRequest): ModelTurn {
  const last = messages.findLastIndex((message) => message.role === 'user' && promptIn(message) !== '');
  const prompt = promptIn(messages[last]);
  if (prompt.includes('[[recall]]')) {
    const said = messages.filter(({ role }) => role === 'user').map(promptIn);
    return { kind: 'text', text: `You have said: ${said.join(' ')}` };
  }
  const wanted = scriptedCommand(prompt);
  if (!wanted) return { kind: 'text', ...plainAnswer(prompt) };
  const outputs = messages.slice(last).flatMap(resultsIn);
  if (outputs.length > 0) return { kind: 'text', text: wanted.report(outputs.join('\n')) };
  if (tools.some(({ name }) => name === shellTool))
    return { kind: 'command', command: wanted.command, inBackground: wanted.inBackground };
  return { kind: 'refuse', problem: 'The request declares no tool that runs shell commands.' };
}

type Message = z.infer<typeof messageSchema>;

function blocksOf({ content }: Message): readonly Readonly<Record<string, unknown>>[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

/** What the user wrote. The CLI puts facts about the machine beside it, wrapped in a tag. */
function promptIn(message: Message | undefined): string {
  const blocks = message ? blocksOf(message) : [];
  const texts = blocks.flatMap(({ type, text }) => (type === 'text' && typeof text === 'string' ? [text] : []));
  return texts
    .map((text) => text.replaceAll(/<system-reminder>.*?<\/system-reminder>/gs, ''))
    .join('')
    .trim();
}

function resultsIn(message: Message): readonly string[] {
  return blocksOf(message).flatMap((block) => (block['type'] === 'tool_result' ? [textOf(block['content'])] : []));
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content.trim();
  const parts: readonly unknown[] = Array.isArray(content) ? content : [];
  return parts
    .map((part) => readable(asRecord(part)['text']))
    .join('')
    .trim();
}
