import { randomBytes } from 'node:crypto';

import { type StreamedEvent, wordsOf } from '../fake-vendor/model/event-stream.ts';
import { shellTool } from './messages-script.ts';

/** One block of an answer of the Messages API. */
export type AnswerBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: object };

export const textBlock = (text: string): AnswerBlock => ({ type: 'text', text });

export const commandBlock = (command: string, inBackground: boolean): AnswerBlock => ({
  type: 'tool_use',
  id: `toolu_${randomBytes(8).toString('hex')}`,
  name: shellTool,
  input: { command, description: 'Do what the prompt says', ...(inBackground && { run_in_background: true }) },
});

/** The whole answer, for a request that does not stream. */
export function wholeMessage(model: string, block: AnswerBlock) {
  return {
    id: `msg_${randomBytes(8).toString('hex')}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [block],
    stop_reason: block.type === 'text' ? 'end_turn' : 'tool_use',
    stop_sequence: null,
    usage: { input_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 5 },
  };
}

/** The same as server-sent events. */
export function messageEvents(model: string, block: AnswerBlock): readonly StreamedEvent[] {
  const { stop_reason, ...whole } = wholeMessage(model, block);
  const start = { ...whole, content: [], stop_reason: null, usage: { ...whole.usage, output_tokens: 1 } };
  return [
    named({ type: 'message_start', message: start }),
    named({ type: 'content_block_start', index: 0, content_block: emptied(block) }),
    named({ type: 'ping' }),
    ...piecesOf(block).map((delta) => ({
      ...named({ type: 'content_block_delta', index: 0, delta }),
      word: delta.type === 'text_delta',
    })),
    named({ type: 'content_block_stop', index: 0 }),
    named({ type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } }),
    named({ type: 'message_stop' }),
  ];
}

function named(data: { readonly type: string; readonly [field: string]: unknown }): StreamedEvent {
  return { event: data.type, data };
}

function emptied(block: AnswerBlock): AnswerBlock {
  return block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} };
}

function piecesOf(block: AnswerBlock): readonly { readonly type: string; readonly [field: string]: unknown }[] {
  return block.type === 'text'
    ? wordsOf(block.text).map((text) => ({ type: 'text_delta', text }))
    : [{ type: 'input_json_delta', partial_json: JSON.stringify(block.input) }];
}
