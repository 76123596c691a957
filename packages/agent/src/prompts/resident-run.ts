import { createHash } from 'node:crypto';

import type { Clock } from '@sallyport/core';
import type { ResidentRun, RpcOpening } from '@sallyport/core/engine';

import { startCliProcess } from './cli-process.ts';
import { createConversations } from './conversations.ts';
import { listDescendants } from './descendants.ts';
import { followRun } from './follow-run.ts';
import type { FinishedRun, RunOptions } from './follow-run.ts';
import type { PreparedStart } from './prepare-start.ts';
import type { CliRun, ExecuteCommand } from './prompt-runner.ts';
import type { ResidentCli, ResidentClis } from './resident-clis.ts';
import { stampStart } from './start-files.ts';

/** The limits of a process that may take the next prompt as well; `undefined` for one that is started for each. */
export function residentOf({ rpc, resident, messages }: CliRun): ResidentStay | undefined {
  return rpc ? resident : messages?.resident;
}

export type ResidentStay = NonNullable<
  ExecuteCommand['resident'] | NonNullable<ExecuteCommand['messages']>['resident']
>;

/**
 * Gives a prompt to a process that waits for one, or to a new one, and keeps the process for the next prompt if it may
 * stay. Throws the error of spawn(2) where a new one cannot be started.
 */
export async function runOnResident(
  residents: ResidentClis,
  start: PreparedStart,
  limits: ResidentStay,
  options: RunOptions,
): Promise<FinishedRun> {
  const { command, clock } = options;
  const { provider, resident: ofRpc } = command;
  const readStamp = (): Promise<string> => stampStart(start, limits.startFiles);
  const key = keyOf(start, command, command.messages?.resident?.session);

  const runOn = async (resident: ResidentCli): Promise<FinishedRun> => {
    const { cli, conversations, opening } = resident;
    let before: ReadonlySet<number> | undefined;
    conversations?.begin(conversationOf(command));
    const listWhatRuns = (): void => void (before = listDescendants(cli.pid));
    const finished = await followRun(cli, {
      ...options,
      mayStay: true,
      conversations,
      opening,
      onPrompt: listWhatRuns,
      // One that is told its first prompt at once is still being started: its sandbox, and then it itself.
      onFirstLine: () => {
        if (resident.prompts === 0) listWhatRuns();
      },
    });
    if (finished.goesOn) {
      const { replies, conversation, printed } = finished.goesOn;
      const next = {
        ...resident,
        key: keyOf(start, command, conversation),
        ...(ofRpc ? { opening: opening ?? openingOf(replies, ofRpc) } : { printed }),
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
  return runOn(await startResident(start, command, key, await readStamp(), clock));
}

/** Lets a process wait for a first prompt. One that waits already and would do as well stays in its place. */
export async function startAhead(
  residents: ResidentClis,
  start: PreparedStart,
  command: CliRun,
  clock: Clock,
): Promise<void> {
  const limits = residentOf(command);
  if (!limits) return;
  const key = keyOf(start, command, command.messages?.resident?.session);
  const readStamp = (): Promise<string> => stampStart(start, limits.startFiles);
  await residents.startAhead(command.provider, {
    key,
    readStamp,
    start: (stamp) => startResident(start, command, key, stamp, clock),
    idleMs: limits.idleMs,
  });
}

async function startResident(
  start: PreparedStart,
  { resident: ofRpc }: CliRun,
  key: string,
  stamp: string,
  clock: Clock,
): Promise<ResidentCli> {
  const cli = await startCliProcess(start, clock);
  const own = ofRpc ? { conversations: createConversations(ofRpc.conversation) } : { printed: 0 };
  return { cli, key, stamp, ...own, prompts: 0 };
}

/**
 * Prompts with the same key can have the same process: it would be started in the same way for each.
 *
 * @param conversation The one that the process has, if it can have no other.
 */
function keyOf({ kept, cwd, env }: PreparedStart, command: CliRun, conversation: string | undefined): string {
  const { cli, rpc, resident, messages } = command;
  const start = [kept.file, kept.argv, cwd, env, cli.settings];
  const talk = [rpc?.values['tools'], resident, messages && withoutSession(messages), conversation];
  const how = JSON.stringify([...start, ...talk]);
  return createHash('sha256').update(how).digest('hex');
}

function withoutSession(messages: NonNullable<ExecuteCommand['messages']>): object {
  return { ...messages, resident: { ...messages.resident, session: undefined } };
}

function conversationOf({ rpc }: ExecuteCommand): string | undefined {
  const session = rpc?.values['session'];
  return typeof session === 'string' ? session : undefined;
}

function openingOf(replies: RpcOpening['replies'], { opening }: ResidentRun): RpcOpening {
  return { opening, replies: Object.fromEntries(Object.entries(replies).filter(([id]) => opening.includes(id))) };
}
