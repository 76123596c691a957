import { asRecord, tryParseJson } from '../provider/lenient-json.ts';
import type { JsonRecord } from '../provider/lenient-json.ts';

/**
 * One message of a CLI that speaks JSON-RPC 2.0, one message a line. The member `jsonrpc` is optional, since Codex
 * leaves it out. Batches are not supported: neither Codex nor the Agent Client Protocol uses them.
 */
export type RpcMessage =
  | { readonly type: 'reply'; readonly id: string; readonly ok: boolean; readonly value: unknown }
  /** The CLI wants something of its client. */
  | { readonly type: 'request'; readonly id: string | number; readonly method: string; readonly params: unknown }
  | { readonly type: 'notification'; readonly method: string; readonly params: unknown };

export function readRpcMessage(message: JsonRecord): RpcMessage | undefined {
  const { id, method, params, result, error } = message;
  if (typeof method === 'string') {
    if (typeof id === 'string' || typeof id === 'number') return { type: 'request', id, method, params };
    return { type: 'notification', method, params };
  }
  // Our ids are the names of steps. Another one answers nothing that was asked.
  if (typeof id !== 'string') return undefined;
  if (error !== undefined && error !== null) return { type: 'reply', id, ok: false, value: error };
  return result === undefined ? undefined : { type: 'reply', id, ok: true, value: result };
}

/** The message in a line, as an object; `undefined` where the line is something else. */
export function tryParseRpcLine(line: string): JsonRecord | undefined {
  const message = asRecord(tryParseJson(line));
  return readRpcMessage(message) && message;
}

/** A line for the CLI to read. */
export function rpcLine(message: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`;
}
