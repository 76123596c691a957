import { z } from 'zod';

import { plainAnswer, scriptedCommand } from '../fake-vendor/model/script.ts';

/** What the fake model does next, decided from the request alone. */
export type ModelTurn =
  | { readonly kind: 'text'; readonly text: string; readonly wordDelayMs?: number }
  | { readonly kind: 'command'; readonly command: string };

const partSchema = z.looseObject({
  text: z.string().optional(),
  functionResponse: z
    .looseObject({ response: z.looseObject({ output: z.unknown().optional(), error: z.unknown().optional() }) })
    .optional(),
});

const contentSchema = z.looseObject({ role: z.string().optional(), parts: z.array(partSchema) });

export const generateRequestSchema = z.looseObject({
  model: z.string(),
  request: z.looseObject({
    contents: z.array(contentSchema).min(1),
    generationConfig: z.looseObject({ responseMimeType: z.string().optional() }).optional(),
  }),
});

export type GenerateRequest = z.infer<typeof generateRequestSchema>;

/** Decides by the script that all fake models follow. */
export function planTurn({ request }: GenerateRequest): ModelTurn {
  if (request.generationConfig?.responseMimeType === 'application/json') return { kind: 'text', text: routing };
  const last = request.contents.findLastIndex((content) => content.role === 'user' && promptIn(content) !== '');
  const prompt = promptIn(request.contents[last]);
  const wanted = scriptedCommand(prompt);
  if (!wanted) return { kind: 'text', ...plainAnswer(prompt) };
  const results = request.contents.slice(last + 1).flatMap(({ parts }) => parts.flatMap(resultOf));
  if (results.length === 0) return { kind: 'command', command: wanted.command };
  return { kind: 'text', text: wanted.report(results.join('\n')) };
}

/** The CLI asks a small model which model to use before it asks that one. */
const routing = JSON.stringify({
  complexity_reasoning: 'It is a test prompt.',
  complexity_score: 10,
  reasoning: 'It is a test prompt.',
  model_choice: 'flash',
});

/** What the user wrote. The CLI puts facts about the machine in front, wrapped in a tag. */
function promptIn(content: z.infer<typeof contentSchema> | undefined): string {
  const texts = (content?.parts ?? []).map(({ text = '' }) => text);
  return texts
    .filter((text) => !/^\s*<session_context>/.test(text))
    .join('')
    .trim();
}

function resultOf({ functionResponse }: z.infer<typeof partSchema>): readonly string[] {
  if (!functionResponse) return [];
  const { output, error } = functionResponse.response;
  const text = typeof output === 'string' ? output : JSON.stringify(error ?? '');
  return [commandOutput.exec(text)?.[1] ?? text];
}

/** What the command printed. The CLI marks it as not to be trusted, and adds a few lines about the process. */
const commandOutput =
  /^(?:<untrusted_context>\s*)?Output: (.*?)(?:\n(?:Process Group PGID|Exit Code|Signal|Error|Background PIDs): [^\n]*)*(?:\s*<\/untrusted_context>)?\s*$/s;
