import { randomBytes } from 'node:crypto';

import { wordsOf } from '../../fake-vendor/model/event-stream.ts';
import type { ShellTool } from './model-script.ts';

/** One server-sent event of the Responses API. */
export interface ResponseEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export function textEvents(text: string): readonly ResponseEvent[] {
  const { responseId, suffix } = newIds();
  const item = {
    type: 'message',
    role: 'assistant',
    id: `msg_${suffix}`,
    content: [{ type: 'output_text', text, annotations: [] }],
  };
  return [
    { type: 'response.created', response: { id: responseId } },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    ...wordsOf(text).map((delta) => ({
      type: 'response.output_text.delta',
      item_id: item.id,
      output_index: 0,
      content_index: 0,
      delta,
    })),
    { type: 'response.output_item.done', output_index: 0, item },
    completed(responseId),
  ];
}

export function commandEvents(tool: ShellTool, command: string): readonly ResponseEvent[] {
  const { responseId, suffix } = newIds();
  const call = { call_id: `call_${suffix}` };
  const item =
    tool.type === 'custom'
      ? {
          ...call,
          type: 'custom_tool_call',
          id: `ctc_${suffix}`,
          name: 'exec',
          namespace: 'functions',
          input: `const result = await tools.exec_command({ cmd: ${JSON.stringify(command)} });\ntext(result.output);\n`,
        }
      : {
          ...call,
          type: 'function_call',
          id: `fc_${suffix}`,
          name: 'exec_command',
          arguments: JSON.stringify({ cmd: command }),
        };
  return [
    { type: 'response.created', response: { id: responseId } },
    { type: 'response.output_item.done', output_index: 0, item },
    completed(responseId),
  ];
}

function completed(id: string): ResponseEvent {
  return {
    type: 'response.completed',
    response: {
      id,
      usage: {
        input_tokens: 10,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 5,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 15,
      },
    },
  };
}

function newIds(): { readonly responseId: string; readonly suffix: string } {
  const suffix = randomBytes(8).toString('hex');
  return { responseId: `resp_${suffix}`, suffix };
}
