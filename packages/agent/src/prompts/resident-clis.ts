import type { Clock } from '@sallyport/core';
import type { RpcOpening } from '@sallyport/core/engine';
import type { ResidentLimits } from '@sallyport/core/provider';

import type { CliProcess } from './cli-process.ts';
import type { Conversations } from './conversations.ts';
import { readProcessTree } from './process-tree.ts';

/** A process that may take several prompts, one after another. */
export interface ResidentCli {
  readonly cli: CliProcess;
  /** Equal for prompts that would start the process in the same way. */
  readonly key: string;
  /** The files that it read when it started; see `stampStart`. */
  readonly stamp: string;
  /** Of one that may have several conversations. */
  readonly conversations?: Conversations;
  /**
   * Lines that it had printed when it had answered its last prompt, if it prints nothing while it waits. One that does is
   * doing something that nobody asked for, and is ended.
   */
  readonly printed?: number;
  /** Absent until its first prompt is over. */
  readonly opening?: RpcOpening | undefined;
  /** Prompts that it has taken. */
  readonly prompts: number;
}

/** Where processes wait for their next prompt: at most one for each provider, and one in all once another has a prompt. */
export interface ResidentClis {
  /**
   * Takes out the one that fits. One that waits and does not fit has ended when this resolves. `readStamp` looks at the
   * files once an earlier prompt is done with them.
   */
  take(provider: string, key: string, readStamp: () => Promise<string>): Promise<ResidentCli | undefined>;
  /** Lets a process wait for its first prompt. Where one that fits waits already, none is started. */
  startAhead(provider: string, ahead: StartAhead): Promise<void>;
  /**
   * Lets a process wait after a prompt, or ends it where a limit says so. `before` is what ran of it when it was told the
   * prompt: one that left a program running is ended, and the program with it. Where nobody knows what ran, it is ended
   * too. `readStamp` looks at the files again.
   */
  keep(provider: string, resident: ResidentCli, after: AfterPrompt): void;
  /** Ends what waits, of one provider or of all. */
  end(provider?: string): Promise<void>;
  /** Ends what waits of other providers: a machine may have memory for one CLI only. */
  endOthers(provider: string): Promise<void>;
  /** As `end`, and nothing waits from then on. */
  close(): Promise<void>;
}

export interface StartAhead {
  readonly key: string;
  readonly readStamp: () => Promise<string>;
  readonly start: (stamp: string) => Promise<ResidentCli>;
  readonly idleMs: number;
}

export interface AfterPrompt {
  readonly limits: ResidentLimits;
  readonly before: ReadonlySet<number> | undefined;
  readonly readStamp: () => Promise<string>;
}

/** What a process may print while it waits, in bytes. */
const IDLE_OUTPUT = 1024 * 1024;
/** A program that has just done its work may need a moment to end. */
const LOOKS = 3;
const LOOK_AGAIN_MS = 50;

export function createResidentClis(clock: Clock): ResidentClis {
  const waiting = new Map<string, { readonly resident: ResidentCli; readonly over: AbortController }>();
  /** What is being done with the process of a provider that waits, or is about to. */
  const settling = new Map<string, Promise<void>>();
  let isClosed = false;

  /** Does something after all that is being done. */
  const queue = (provider: string, work: () => Promise<void>): Promise<void> => {
    const mine = Promise.resolve(settling.get(provider))
      .then(work)
      .finally(() => {
        if (settling.get(provider) === mine) settling.delete(provider);
      });
    settling.set(provider, mine);
    return mine;
  };

  /** Takes out what waits. */
  const remove = (provider: string): ResidentCli | undefined => {
    const place = waiting.get(provider);
    waiting.delete(provider);
    place?.over.abort();
    return place?.resident;
  };

  const end = (provider: string): Promise<void> => queue(provider, async () => remove(provider)?.cli.end());

  const endAll = async (except?: string): Promise<void> => {
    const providers = new Set([...settling.keys(), ...waiting.keys()]);
    await Promise.all([...providers].filter((provider) => provider !== except).map(end));
  };

  const wait = (provider: string, resident: ResidentCli, idleMs: number): void => {
    const over = new AbortController();
    const { cli, printed } = resident;
    waiting.set(provider, { resident, over });
    const leave = (): void => {
      if (waiting.get(provider)?.resident === resident) void end(provider);
    };
    const leaveIfLoud = (): void => {
      if (printed !== undefined && cli.output.printed !== printed) leave();
    };
    cli.output.receive({ limit: IDLE_OUTPUT, onLimit: leave, take: async () => leaveIfLoud() });
    leaveIfLoud();
    void cli.exited.then(leave);
    void clock.sleep(idleMs, over.signal).then(leave, () => undefined);
  };

  const settle = async (provider: string, resident: ResidentCli, after: AfterPrompt): Promise<void> => {
    await remove(provider)?.cli.end();
    if (!isClosed && (await mayStay(resident, after, clock).catch(() => false)))
      wait(provider, resident, after.limits.idleMs);
    else await resident.cli.end();
  };

  return {
    take: async (provider, key, readStamp) => {
      await settling.get(provider);
      const stamp = await readStamp();
      const resident = waiting.get(provider)?.resident;
      if (resident?.key === key && resident.stamp === stamp) return remove(provider);
      if (resident) await end(provider);
      return undefined;
    },
    startAhead: (provider, { key, readStamp, start, idleMs }) =>
      queue(provider, async () => {
        const stamp = await readStamp();
        const resident = waiting.get(provider)?.resident;
        if (resident?.key === key && resident.stamp === stamp) return;
        await remove(provider)?.cli.end();
        if (!isClosed) wait(provider, await start(stamp), idleMs);
      }),
    keep: (provider, resident, after) => void queue(provider, () => settle(provider, resident, after)),
    end: async (provider) => {
      await (provider === undefined ? endAll() : end(provider));
    },
    endOthers: (provider) => endAll(provider),
    close: async () => {
      isClosed = true;
      await endAll();
    },
  };
}

async function mayStay(
  { cli, stamp, conversations, prompts }: ResidentCli,
  { limits, before, readStamp }: AfterPrompt,
  clock: Clock,
): Promise<boolean> {
  if (prompts >= limits.maxPrompts || conversations?.hasSeveral || (await readStamp()) !== stamp) return false;
  for (let look = 0; look < LOOKS; look += 1) {
    if (look > 0) await clock.sleep(LOOK_AGAIN_MS);
    const tree = await readProcessTree(cli.pid);
    if (!before || !tree?.pids.has(cli.pid) || tree.residentBytes > limits.maxMemoryMb * 1024 * 1024) return false;
    if ([...tree.pids].every((pid) => before.has(pid))) return true;
  }
  return false;
}
