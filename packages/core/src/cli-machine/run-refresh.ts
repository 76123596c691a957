import { randomUUID } from 'node:crypto';

import type { AgentClient } from '../contracts/agent-client.ts';
import type { ExecuteEvent } from '../protocol/agent-api.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
import { matchesAny } from '../provider/match-in-turns.ts';
import { limitOutput } from './limit-output.ts';
import type { RefreshCommand } from '../provider/refresh-command.ts';
import { factsOf } from '../rpc/facts.ts';

export type RefreshOutcome = 'ok' | 'not-logged-in' | 'failed' | 'unknown';

/** How long a CLI may take to refresh its credential. */
export const REFRESH_MS = 20_000;
const MOST_OUTPUT = 1024 * 1024;

/** How a command of a CLI is run on a machine. */
export interface CommandRun {
  readonly signal: AbortSignal;
  /** See `pinnedInWork`. */
  readonly pinnedInWork: ProviderManifest['cli']['hiddenInWork'];
}

/** Runs `commands.refresh` on a machine and returns the outcome. */
export async function runRefresh(
  agent: AgentClient,
  { id, cli, commands: { refresh } }: ProviderManifest,
  { signal, pinnedInWork }: CommandRun,
): Promise<RefreshOutcome> {
  if (!refresh) return 'unknown';
  const request = {
    runId: randomUUID(),
    provider: id,
    cli: { ...cli, pinnedInWork: [...pinnedInWork] },
    argv: refresh.argv,
    ...('steps' in refresh && { rpc: { steps: refresh.steps, over: refresh.over, values: {} } }),
    prompt: '',
    workingDirectory: '~/work',
    timeoutMs: REFRESH_MS,
    maxOutputBytes: MOST_OUTPUT,
  };
  let outcome: RefreshOutcome = 'unknown';
  for await (const event of limitOutput(agent.execute(request, signal), MOST_OUTPUT)) {
    const seen = await outcomeOf(refresh, event);
    // Once refused, later output does not change the outcome.
    if (seen !== undefined && outcome !== 'not-logged-in') outcome = seen;
  }
  return outcome;
}

async function outcomeOf(refresh: RefreshCommand, event: ExecuteEvent): Promise<RefreshOutcome | undefined> {
  if ('exits' in refresh) {
    if (event.type !== 'exit') return undefined;
    return event.reason === 'ended' ? (refresh.exits[String(event.code)] ?? 'unknown') : 'failed';
  }
  if (event.type !== 'rpc') return undefined;
  const text = factsOf(event.message).join('\n');
  if (await matchesAny(refresh.reloginNeeded, text)) return 'not-logged-in';
  const over = refresh.over.map(({ when }) => when);
  return (await matchesAny(over, text)) ? 'ok' : undefined;
}
