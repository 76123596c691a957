import { setTimeout as sleep } from 'node:timers/promises';

import type { ToolPolicy } from '@sallyport/core';

import type { TestRunner } from './runner.ts';

/** The real CLI of a provider with `resident`, on a user's machine, with a vendor that can be told how to behave. */
export interface ResidentUnderTest {
  /** Runs a prompt, which has to complete. */
  ask(prompt: string, options?: ResidentPrompt): Promise<ResidentAnswer>;
  /** Starts a prompt and cancels it once some of its answer is there. */
  cancel(prompt: string, options?: ResidentPrompt): Promise<void>;
  /** Starts the CLI ahead of a prompt: `POST /api/vm/cli/prepare`. */
  prepare(): Promise<void>;
  /** Ids of the processes of the CLI that run now, without those around or below it. */
  processes(): Promise<readonly number[]>;
  /** From now on the vendor refuses the access tokens it has given out, so that the CLI refreshes its login. */
  expireAccess(): Promise<void>;
  /** How often a refresh token has been used, and whether the vendor has revoked a login, as it does when one is used twice. */
  logins(): Promise<{ readonly refreshes: number; readonly revoked: boolean }>;
}

export interface ResidentPrompt {
  readonly tools?: ToolPolicy;
  readonly conversationId?: string;
}

export interface ResidentAnswer {
  readonly text: string;
  readonly conversationId: string;
}

/** What the vendor's model does when a prompt says so. */
export interface ResidentScript {
  /** Answers with everything the user has said in this conversation. */
  readonly recall: string;
  /** Answers slowly enough to be canceled. */
  readonly slow: string;
  /** Has the CLI write a file of this name, and answers with whether it could. */
  write(file: string): string;
  /** What the answer says if the file was not written. */
  readonly refused: string;
}

export interface ResidentSuiteOptions {
  /** Whether one process takes prompts of several conversations. Default: false, it ends when another one begins. */
  readonly severalConversations?: boolean;
  readonly script: ResidentScript;
  /** For each test. It only ends one that hangs. Default: ten minutes. */
  readonly timeoutMs?: number;
}

type Test = (title: string, body: (cli: ResidentUnderTest) => Promise<void>) => void;

/**
 * What a CLI has to do that stays in its machine between prompts, shown on the real one. All tests use the same machine,
 * one after the other, as its user would.
 *
 * @example
 * describeResident('codex', () => cli, { script }, { describe, it, expect });
 */
export function describeResident(
  provider: string,
  subject: () => ResidentUnderTest,
  options: ResidentSuiteOptions,
  runner: TestRunner,
): void {
  const { expect } = runner;
  const { script, severalConversations = false, timeoutMs = 10 * 60_000 } = options;
  const test: Test = (title, body) => runner.it(title, () => body(subject()), timeoutMs);

  runner.describe(`the CLI of ${provider} between prompts`, () => {
    test('waits for the next prompt of its conversation', async (cli) => {
      const { conversationId } = await cli.ask('The first word is portcullis.');
      const pid = await onlyProcess(cli);
      const again = await cli.ask(script.recall, { conversationId });
      expect(again.conversationId).toBe(conversationId);
      expect(again.text.includes('portcullis'), again.text).toBe(true);
      expect(await onlyProcess(cli)).toBe(pid);
    });

    test('keeps two conversations that take turns apart', async (cli) => {
      const first = await cli.ask('The first word is portcullis.');
      const pid = await onlyProcess(cli);
      const second = await cli.ask('The second word is barbican.');
      expect(second.conversationId === first.conversationId).toBe(false);
      for (const [{ conversationId }, own, other] of [
        [first, 'portcullis', 'barbican'],
        [second, 'barbican', 'portcullis'],
        [first, 'portcullis', 'barbican'],
      ] as const) {
        const { text, ...answer } = await cli.ask(script.recall, { conversationId });
        expect(answer.conversationId).toBe(conversationId);
        expect([text.includes(own), text.includes(other)], text).toEqual([true, false]);
      }
      if (severalConversations) expect(await onlyProcess(cli)).toBe(pid);
      else await untilEnded(cli, pid);
    });

    test('is started ahead of a prompt, which then finds it', async (cli) => {
      await cli.ask('Something else.');
      const before = await onlyProcess(cli);
      await cli.prepare();
      // One that takes several conversations is there already.
      if (!severalConversations) await untilEnded(cli, before);
      const pid = await onlyProcess(cli);
      await cli.ask('Hello.');
      expect(await onlyProcess(cli)).toBe(pid);
    });

    test('is started again after a kill, and the conversation goes on', async (cli) => {
      const { conversationId } = await cli.ask('The word is bailey.');
      const pid = await onlyProcess(cli);
      process.kill(pid, 'SIGKILL');
      await untilEnded(cli, pid);
      const { text } = await cli.ask(script.recall, { conversationId });
      expect(text.includes('bailey'), text).toBe(true);
    });

    test('is started again for another tool policy, which then holds', async (cli) => {
      const { conversationId } = await cli.ask('Hello.', { tools: 'full' });
      const pid = await onlyProcess(cli);
      const refused = await cli.ask(script.write('refused.txt'), { tools: 'read-only', conversationId });
      expect(refused.text.includes(script.refused), refused.text).toBe(true);
      await untilEnded(cli, pid);
      // A process that has run a command need not stay, so nothing is said of this one.
      const allowed = await cli.ask(script.write('allowed.txt'), { tools: 'full', conversationId });
      expect(allowed.text.includes(script.refused), allowed.text).toBe(false);
    });

    test('ends after it has rotated its login, and the next one presents the new token', async (cli) => {
      const { conversationId } = await cli.ask('Hello.');
      const pid = await onlyProcess(cli);
      const before = await cli.logins();
      await cli.expireAccess();
      await cli.ask('Hello after a refresh.', { conversationId });
      await untilEnded(cli, pid);
      await cli.ask('Hello once more.', { conversationId });
      const { refreshes, revoked } = await cli.logins();
      expect(refreshes).toBeGreaterThan(before.refreshes);
      expect(revoked).toBe(false);
    });

    test('ends with a prompt that is canceled, and the conversation goes on', async (cli) => {
      const { conversationId } = await cli.ask('The word is drawbridge.');
      const pid = await onlyProcess(cli);
      await cli.cancel(script.slow, { conversationId });
      await untilEnded(cli, pid);
      const { text } = await cli.ask(script.recall, { conversationId });
      expect(text.includes('drawbridge'), text).toBe(true);
    });
  });
}

/** Waits until one process of the CLI is left. The runner ends a test that hangs. */
async function onlyProcess(cli: ResidentUnderTest): Promise<number> {
  for (;;) {
    const [pid, ...others] = await cli.processes();
    if (pid !== undefined && others.length === 0) return pid;
    await sleep(50);
  }
}

async function untilEnded(cli: ResidentUnderTest, pid: number): Promise<void> {
  while ((await cli.processes()).includes(pid)) await sleep(50);
}
