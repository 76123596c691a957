import { SallyportError } from '@sallyport/core';
import { tryParseJson } from '@sallyport/core/driver';
import { agentDirectorySchema, MAX_WORK_FILE_BYTES } from '@sallyport/core/protocol';
import type { AgentDirectory, WorkDirectoryRequest, WorkFile } from '@sallyport/core/protocol';

import { openResponse, requestText } from './agent-request.ts';
import type { AgentTarget } from './agent-request.ts';

/** A page of a directory of the machine's `~/work`. */
export async function listFiles(
  target: AgentTarget,
  request: WorkDirectoryRequest,
  signal: AbortSignal,
): Promise<AgentDirectory> {
  const text = await requestText(target, { method: 'POST', path: '/files/list', body: request }, signal);
  const { data } = agentDirectorySchema.safeParse(tryParseJson(text));
  // In another order, or with more than was asked for, its pages would not come to an end.
  const names = data?.entries.map(({ name }) => name) ?? [];
  const isInOrder = names.every((name, index) => name > (names[index - 1] ?? request.after ?? ''));
  if (data && isInOrder && names.length <= request.limit) return data;
  throw new SallyportError(
    'AGENT_REFUSED',
    'The agent answered POST /files/list with something that is not in the protocol.',
  );
}

/** A file of the machine's `~/work`. Its body fails where the agent sends fewer bytes than it has announced. */
export async function readFile(target: AgentTarget, path: string, signal: AbortSignal): Promise<WorkFile> {
  const body = await openResponse(target, { method: 'POST', path: '/files/read', body: { path } }, signal);
  const size = Number(body.headers['content-length'] ?? Number.NaN);
  if (Number.isSafeInteger(size) && size >= 0 && size <= MAX_WORK_FILE_BYTES) return { size, body };
  body.destroy();
  throw new SallyportError(
    'AGENT_REFUSED',
    'The agent answered POST /files/read without a size, or with too large a one.',
  );
}
