import { createHash } from 'node:crypto';

import type { ResidentRun, RpcOpening } from '@sallyport/core';

import type { CliStart } from './cli-process.ts';
import { startCliProcess } from './cli-process.ts';
import { createConversations } from './conversations.ts';
import { listDescendants } from './descendants.ts';
import { followRun } from './follow-run.ts';
import type { FinishedRun, RunOptions } from './follow-run.ts';
import type { PreparedStart } from './prepare-start.ts';
import type { ExecuteCommand } from './prompt-runner.ts';
import type { ResidentCli, ResidentClis } from './resident-clis.ts';
import { stampStart } from './start-files.ts';

/**
 * Gives a prompt to a process that waits for one, or to a new one, and keeps the process for the next prompt if it may
 * stay. Throws the error of spawn(2) where a new one cannot be started.
 */
export async function runOnResident(
  residents: ResidentClis,
  start: PreparedStart,
  limits: ResidentRun,
  options: RunOptions,
): Promise<FinishedRun> {
  const { command, clock } = options;
  const { provider } = command;
  const readStamp = (): Promise<string> => stampStart(start, limits.startFiles);
  const key = keyOf(start, command);

  const runOn = async (resident: ResidentCli): Promise<FinishedRun> => {
    const { cli, conversations, opening } = resident;
    let before: ReadonlySet<number> | undefined;
    conversations.begin(conversationOf(command));
    const onPrompt = (): void => void (before = listDescendants(cli.pid));
    const finished = await followRun(cli, { ...options, conversations, opening, onPrompt });
    if (finished.replies) {
      const next = {
        ...resident,
        opening: opening ?? openingOf(finished.replies, limits),
        prompts: resident.prompts + 1,
      };
      residents.keep(provider, next, { limits, before, readStamp });
    }
    return finished;
  };

  const waiting = await residents.take(provider, key, readStamp);
  const finished = waiting && (await runOn(waiting));
  // One that ended while it waited knows nothing of the prompt, so that a new one may have it.
  if (finished && !finished.isUntold) return finished;
  const stamp = await readStamp();
  const cli = await startCliProcess(start, clock);
  const conversations = createConversations(limits.conversation);
  return runOn({ cli, key, stamp, conversations, opening: undefined, prompts: 0 });
}

/** Prompts with the same key start the process in the same way. */
function keyOf({ file, argv, cwd, env }: CliStart, { rpc, resident }: ExecuteCommand): string {
  const how = JSON.stringify([file, argv, cwd, env, rpc?.values['tools'], resident]);
  return createHash('sha256').update(how).digest('hex');
}

function conversationOf({ rpc }: ExecuteCommand): string | undefined {
  const session = rpc?.values['session'];
  return typeof session === 'string' ? session : undefined;
}

function openingOf(replies: RpcOpening['replies'], { opening }: ResidentRun): RpcOpening {
  return { opening, replies: Object.fromEntries(Object.entries(replies).filter(([id]) => opening.includes(id))) };
}
