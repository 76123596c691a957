import type { IncomingMessage } from 'node:http';

import { SallyportError } from '@sallyport/core';
import { AGENT_MAX_BODY } from '@sallyport/core/protocol';

/** What zod schemas offer, as far as it is needed here. */
export interface BodySchema<T> {
  safeParse(
    value: unknown,
  ): { readonly success: true; readonly data: T } | { readonly success: false; readonly error: SchemaProblems };
}

interface SchemaProblems {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}

/** No message of the protocol is nested deeper than a third of this. */
const DEEPEST_NESTING = 32;

/** Reads and checks a JSON body. Everything that is wrong with it is the caller's to fix. */
export async function readBody<T>(request: IncomingMessage, schema: BodySchema<T>): Promise<T> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new SallyportError('REQUEST_UNSUPPORTED_TYPE', 'The body must be sent as application/json.');
  }
  const parsed = schema.safeParse(parseJson(await readText(request)));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue && issue.path.length > 0 ? issue.path.map(String).join('.') : 'the body';
  throw new SallyportError(
    'REQUEST_INVALID',
    `The request was not understood: ${where}: ${issue?.message ?? 'is wrong'}.`,
  );
}

async function readText(request: IncomingMessage): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > AGENT_MAX_BODY) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  // Leaving an ordinary loop early would destroy the connection, and the answer with it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > AGENT_MAX_BODY) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  if (isNestedTooDeep(text)) throw new SallyportError('REQUEST_INVALID', 'The body is nested too deep.');
  try {
    return JSON.parse(text);
  } catch {
    throw new SallyportError('REQUEST_INVALID', 'The body is not JSON.');
  }
}

/** Counted before parsing: a hundred thousand brackets cost nothing to send. */
function isNestedTooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (quoted && character === '\\') index++;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '{' || character === '[')) depth++;
    else if (!quoted && (character === '}' || character === ']')) depth--;
    if (depth > DEEPEST_NESTING) return true;
  }
  return false;
}

function tooLarge(): SallyportError {
  return new SallyportError('REQUEST_TOO_LARGE', `The body is larger than ${AGENT_MAX_BODY / 1024} KiB.`);
}
