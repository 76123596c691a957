import type { ServerResponse } from 'node:http';

import { SallyportError } from '@sallyport/core';

/** Answers with an AgentProblem. What was not expected is told to the console, not to the caller. */
export function sendProblem(response: ServerResponse, thrown: unknown, status?: number): void {
  const known = SallyportError.isInstance(thrown);
  if (!known) console.error('The agent met an unexpected error:', thrown instanceof Error ? thrown.stack : thrown);
  const error = known ? thrown : new SallyportError('INTERNAL', 'The agent met an unexpected error.');
  // The protocol limits the message; an excerpt of a screen may be longer.
  const hint = error.hint.slice(0, 4000);
  const body = { code: error.code, message: error.message.slice(0, 4000), hint };
  sendJson(response, status ?? error.status, body);
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) {
    // A stream that has begun cannot become a problem any more; cutting it tells the receiver.
    response.destroy();
    return;
  }
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}
