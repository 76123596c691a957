import { request } from 'node:http';

import { AGENT_PORT } from '@sallyport/core/protocol';
import type { Secret } from '@sallyport/core';
import type { Machine } from '@sallyport/core/driver';

/** Asks the agent in a machine how it is. Rejects for any answer but 200. */
export async function requestHealth(machine: Machine, token: Secret): Promise<object> {
  const connection = await machine.connect(AGENT_PORT, { signal: AbortSignal.timeout(10_000) });
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        createConnection: () => connection,
        path: '/health',
        headers: { host: 'agent', authorization: `Bearer ${token.reveal()}` },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          if (response.statusCode === 200) {
            resolve(JSON.parse(text));
          } else {
            reject(new Error(`The agent answered /health with ${response.statusCode}.`));
          }
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}
