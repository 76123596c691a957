import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import { type PromptEvent, SallyportError } from '@sallyport/core';
import { buildArgv, fillTemplate, hasLineValue, parseLine, promptText } from '@sallyport/core/engine';
import { type Observation, type Provider } from '@sallyport/core/provider';

import type { PromptRequest } from './cli-world.ts';
import { giveValues } from './given-values.ts';
import type { InstalledCli } from './run-login.ts';

export interface FinishedPrompt {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly events: readonly PromptEvent[];
  /** The pieces of text, joined. */
  readonly answer: string;
  /** The CLI's own id of the conversation. */
  readonly conversation: string | undefined;
  /** The last event. */
  readonly end: PromptEvent | undefined;
}

export async function runPrompt(
  { file, before, environment, home }: InstalledCli,
  provider: Provider,
  question: string,
  { tools = 'workspace', model, session, values = {} }: PromptRequest,
): Promise<FinishedPrompt> {
  const { manifest, parse } = provider;
  const { prompt } = manifest;
  if (prompt.drive === 'json-rpc') {
    throw new SallyportError('CONFIG_INVALID', `${manifest.title} does not answer prompts in lines.`);
  }
  const argv = [...before, ...buildArgv(prompt, { tools, model, session })];
  await using given = await giveValues(home, provider, values);
  const child = spawn(file, argv, { env: { ...environment, ...given.environment }, cwd: join(home, 'work') });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  // A CLI that ends at once does not read its input.
  child.stdin.on('error', () => undefined);
  const words = promptText(prompt, question);
  if (prompt.drive === 'lines') child.stdin.end(words);
  else {
    child.stdin.write(`${JSON.stringify(fillTemplate(prompt.message, () => words))}\n`);
    // It takes more messages until its input is closed.
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (hasLineValue(prompt.over, parseLine(line))) child.stdin.end();
    });
  }
  const [stdout, stderr, exit] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  const events: PromptEvent[] = [];
  let state = parse?.initial();
  for (const observation of observationsOf(stdout, stderr, exit)) {
    const step = parse?.step(state, observation);
    state = step?.state;
    events.push(...(step?.events ?? []));
  }
  const answer = events.map((event) => (event.type === 'text' ? event.text : '')).join('');
  const conversation = events.find((event) => event.type === 'conversation')?.conversationId;
  return { exit, stdout, stderr, events, answer, conversation, end: events.at(-1) };
}

function observationsOf(stdout: string, stderr: string, exit: number | null): readonly Observation[] {
  const lines = (type: 'stdout' | 'stderr', all: string): Observation[] =>
    all
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => ({ type, line }));
  return [...lines('stdout', stdout), ...lines('stderr', stderr), { type: 'exit', code: exit, signal: null }];
}
