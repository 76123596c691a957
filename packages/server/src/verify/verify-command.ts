import { randomUUID } from 'node:crypto';

import { SallyportError } from '@sallyport/core';
import type { AgentClient } from '@sallyport/core/protocol';

import type { Verification } from './verification.ts';

const COMMAND_MS = 60_000;
const MOST_OUTPUT = 1024 * 1024;

/** Runs one of the CLI's own commands in the user's machine, and holds its exit code against the manifest. */
export async function verifyCliCommand(
  verification: Verification,
  userId: string,
  name: 'status' | 'logout',
  expected: 'ok' | 'not-logged-in',
  signal: AbortSignal,
): Promise<void> {
  const { id, cli, commands, title } = verification.provider.manifest;
  const command = commands[name];
  if (!command) throw new SallyportError('CONFIG_INVALID', `${title} has no command ${name}.`);
  const agent = await agentOfUser(verification, userId);
  const said: string[] = [];
  const shown = agent.execute(
    {
      runId: randomUUID(),
      provider: id,
      cli,
      argv: command.argv,
      prompt: '',
      workingDirectory: '~/work',
      timeoutMs: COMMAND_MS,
      maxOutputBytes: MOST_OUTPUT,
    },
    signal,
  );
  for await (const event of shown) {
    if (event.type !== 'exit') {
      if (event.type !== 'rpc') said.push(event.line);
      continue;
    }
    const meaning = command.exits[String(event.code)] ?? 'unknown';
    if (meaning === expected) return;
    const last = said.slice(-3).join(' / ');
    throw new SallyportError(
      'PROMPT_FAILED',
      `\`${command.argv.join(' ')}\` ended with ${event.code ?? event.signal}, which means ${meaning} and not ${expected}. It said: ${last}`,
    );
  }
}

/** The agent of the machine in which the user's CLI runs. */
export async function agentOfUser(verification: Verification, userId: string): Promise<AgentClient> {
  const machine = (await verification.app.machines.list(userId)).find(({ role }) => role === 'cli');
  const agent = machine && verification.agentOf(machine.machineId);
  if (agent) return agent;
  throw new SallyportError('MACHINE_UNKNOWN', `No machine runs ${verification.provider.manifest.title} now.`);
}
