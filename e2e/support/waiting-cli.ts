import { expect } from 'vitest';

import { readEvents } from './api.ts';
import type { PromptRun } from './api.ts';
import type { Person } from './person.ts';
import { processesOf } from './processes.ts';
import { poll } from './server.ts';

/** The real CLI of a provider that stays in its machine between prompts. */
export interface WaitingCli {
  /** Runs a prompt that completes. */
  readonly ask: (prompt: string, more?: Readonly<Record<string, unknown>>) => Promise<PromptRun>;
  /** Waits until there is one process of it. Resolves to its id. */
  readonly onlyPid: () => Promise<number>;
  /** Waits until this process has ended. */
  readonly untilReplaced: (pid: number) => Promise<unknown>;
  /** Sends a prompt, and cancels it at the first word of the answer. */
  readonly cancel: (prompt: string, more?: Readonly<Record<string, unknown>>) => Promise<void>;
}

export interface WaitingCliOptions {
  readonly provider: string;
  /** The command line of the CLI itself, without the sandbox around it. */
  readonly command: RegExp;
  readonly person: () => Pick<Person, 'api' | 'server'>;
}

export function createWaitingCli({ provider, command, person }: WaitingCliOptions): WaitingCli {
  const pids = async (): Promise<readonly number[]> => {
    const found = await processesOf(person().server.dataDirectory);
    return found.filter((each) => command.test(each.command)).map(({ pid }) => pid);
  };
  return {
    ask: async (prompt, more = {}) => {
      const run = await person().api.prompt({ provider, prompt, ...more });
      expect(run.end).toMatchObject({ outcome: 'completed' });
      return run;
    },
    onlyPid: () =>
      poll(`one process of ${provider} to wait`, async () => {
        const [pid, ...others] = await pids();
        return others.length === 0 ? pid : undefined;
      }),
    untilReplaced: (pid) => poll('the process to end', async () => ((await pids()).includes(pid) ? undefined : true)),
    cancel: async (prompt, more = {}) => {
      const { api, server } = person();
      const response = await fetch(`${server.origin}/api/vm/cli/prompt`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ provider, prompt, ...more }),
      });
      let promptId = '';
      for await (const { data } of readEvents(response)) {
        const event = JSON.parse(data);
        if (event.type === 'prompt-start') ({ promptId } = event);
        if (event.type !== 'text') continue;
        // To leave the stream does not end a prompt.
        await api.remove(`/api/vm/cli/prompt/${promptId}`);
        break;
      }
    },
  };
}
