import { randomUUID } from 'node:crypto';

import type { AgentClient } from '../contracts/agent-client.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
import { matchesAny } from '../provider/match-in-turns.ts';
import { limitOutput } from './limit-output.ts';
import type { CommandRun } from './run-refresh.ts';

/**
 * Whether the vendor has revoked a login's tokens. `true` only if the CLI's output shows it. `'unknown'` if the CLI
 * ended well: CLIs do so offline too. `false` if no logout ran to its end.
 */
export type VendorRevoked = boolean | 'unknown';

/** How long a logout may take, with the start of the machine. */
export const LOGOUT_MS = 30_000;
const MOST_OUTPUT = 1024 * 1024;

/** Runs `commands.logout` on a machine and returns what it shows. */
export async function runLogout(
  agent: AgentClient,
  { id, cli, commands: { logout } }: ProviderManifest,
  { signal, pinnedInWork }: CommandRun,
): Promise<VendorRevoked> {
  if (!logout) return false;
  const request = {
    runId: randomUUID(),
    provider: id,
    cli: { ...cli, pinnedInWork: [...pinnedInWork] },
    argv: logout.argv,
    prompt: '',
    workingDirectory: '~/work',
    timeoutMs: LOGOUT_MS,
    maxOutputBytes: MOST_OUTPUT,
  };
  let isShown = false;
  let hasEnded = false;
  for await (const event of limitOutput(agent.execute(request, signal), MOST_OUTPUT)) {
    if (event.type === 'stdout' || event.type === 'stderr') {
      const { line } = event;
      isShown ||= await matchesAny(logout.revoked ?? [], line);
    } else if (event.type === 'exit') {
      hasEnded = event.reason === 'ended' && logout.exits[String(event.code)] === 'ok';
    }
  }
  if (!hasEnded) return false;
  return isShown || 'unknown';
}
