import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SallyportError } from '@sallyport/core';
import { z } from 'zod';

/** A recorded conversation with a CLI that speaks JSON-RPC, in the order in which it happened. */
export interface RpcTranscript {
  /** File name without extension. */
  readonly name: string;
  readonly entries: readonly RpcEntry[];
}

/** `client` is what was sent to the CLI, `browser` the link it gave to its browser command. */
const entrySchema = z.object({
  from: z.enum(['client', 'cli', 'stderr', 'browser', 'exit']),
  /** As it was; of an exit, the code. */
  line: z.string(),
});

export type RpcEntry = z.infer<typeof entrySchema>;

/** Reads `<path>.jsonl`: one `{"from": …, "line": …}` a line. */
export function loadRpcTranscript(path: string | URL): RpcTranscript {
  const base = (path instanceof URL ? fileURLToPath(path) : path).replace(/\.jsonl$/, '');
  const lines = readFileSync(`${base}.jsonl`, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const entries = z.array(entrySchema).safeParse(lines.map((line): unknown => JSON.parse(line)));
  if (entries.success) return { name: basename(base), entries: entries.data };
  throw new SallyportError('CONFIG_INVALID', `${base}.jsonl does not hold a recorded conversation.`, {
    cause: entries.error,
  });
}
