import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import { executeEventSchema } from '@sallyport/core/protocol';
import type { ExecuteEvent, ExecuteRequest } from '@sallyport/core/protocol';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';

import { pinnedInWork } from '../../packages/core/src/cli-machine/pinned-in-work.ts';
import type { Guest } from './guest.ts';

const bundled = { list: () => [claude, codex, gemini] };

export interface GuestRun {
  readonly provider: string;
  readonly cli: ExecuteRequest['cli'];
  readonly argv: readonly string[];
  readonly prompt?: string;
  readonly rpc?: ExecuteRequest['rpc'];
  readonly messages?: ExecuteRequest['messages'];
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the run. */
  readonly signal?: AbortSignal;
  /** Called with each line of its standard output. */
  readonly onLine?: (line: string) => void;
}

/** Runs a CLI by the agent of a guest, as a server does. Resolves to all that it said when it has ended. */
export async function runInGuest(guest: Guest, token: string, options: GuestRun): Promise<readonly ExecuteEvent[]> {
  const { signal, onLine, argv, rpc, messages, prompt = '', env = {}, provider, cli } = options;
  const body: ExecuteRequest = {
    runId: randomUUID(),
    provider,
    cli,
    argv: [...argv],
    prompt,
    env: { ...env },
    ...(rpc && { rpc }),
    ...(messages && { messages }),
    workingDirectory: '~/work',
    timeoutMs: 10 * 60_000,
    maxOutputBytes: 10_000_000,
  };
  const socket = await guest.connect();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' };
    const way = { createConnection: () => socket, ...(signal && { signal }) };
    request({ method: 'POST', path: '/execute', headers, ...way }, resolve)
      .once('error', reject)
      .end(JSON.stringify(body));
  });
  if (response.statusCode !== 200) throw new Error(`The agent refused: ${await text(response)}`);
  const shown: ExecuteEvent[] = [];
  for await (const line of createInterface({ input: response })) {
    if (!line.startsWith('data:')) continue;
    const event = executeEventSchema.parse(JSON.parse(line.slice('data:'.length)));
    shown.push(event);
    if (event.type === 'stdout') onLine?.(event.line);
  }
  return shown;
}

/** What a script of the machine's ordinary user prints: `shellClis` have to be among the machine's. It runs where CLIs run, and sees of the system what they see. */
export async function shellInGuest(
  guest: Guest,
  token: string,
  script: string,
  options: Pick<GuestRun, 'signal' | 'onLine'> = {},
): Promise<string> {
  const bin = { [`${process.platform}-${process.arch}`]: 'node_modules/sh' };
  // Otherwise no CLI that hides something of `~/work` would run beside it.
  const cli = { bin, env: {}, settings: [], pinnedInWork: [...pinnedInWork(bundled, 'shell')] };
  const shown = await runInGuest(guest, token, { provider: 'shell', cli, argv: ['-c', script], ...options });
  return shown.flatMap((event) => (event.type === 'stdout' ? [event.line] : [])).join('\n');
}
