import { asRecord, nonEmpty, readable } from '@sallyport/core/provider';
import type { JsonRecord } from '@sallyport/core/provider';

/** How one of Codex's tool items reads, whichever kind it is. A kind unknown today is shown as JSON. */
export interface ToolItem {
  readonly id: string;
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly ok: boolean;
}

export function toolItem(item: JsonRecord, type: string): ToolItem {
  const exitCode = item['exit_code'];
  const status = readable(item['status']);
  return {
    id: nonEmpty(item['id']) ?? type,
    name: toolName(item, type),
    input: toolInput(item, type),
    output: toolOutput(item),
    ok: status !== 'failed' && status !== 'declined' && (typeof exitCode !== 'number' || exitCode === 0),
  };
}

function toolName(item: JsonRecord, type: string): string {
  const [server, tool] = [nonEmpty(item['server']), nonEmpty(item['tool'])];
  if (tool === undefined) return type;
  return server === undefined ? tool : `${server}.${tool}`;
}

function toolInput(item: JsonRecord, type: string): string {
  switch (type) {
    case 'command_execution':
      return readable(item['command']);
    case 'file_change':
      return listOf(item['changes'], (change) => `${readable(change['kind'])} ${readable(change['path'])}`);
    case 'mcp_tool_call':
      return readable(item['arguments']);
    case 'web_search':
      return readable(item['query']);
    case 'todo_list':
      return listOf(
        item['items'],
        (entry) => `[${entry['completed'] === true ? 'x' : ' '}] ${readable(entry['text'])}`,
      );
    default: {
      const { id: _id, type: _type, status: _status, ...rest } = item;
      return readable(rest);
    }
  }
}

function toolOutput(item: JsonRecord): string {
  const problem = nonEmpty(asRecord(item['error'])['message']);
  return problem ?? readable(item['aggregated_output'] ?? asRecord(item['result'])['content']);
}

function listOf(value: unknown, line: (entry: JsonRecord) => string): string {
  return Array.isArray(value) ? value.map((entry) => line(asRecord(entry))).join('\n') : readable(value);
}
