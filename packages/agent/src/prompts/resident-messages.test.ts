import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { ExecuteEvent, ExecuteRequest } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { until } from '../../../../test/setup/until.ts';
import { execute, exit, expectFresh, linesOf, pidsOf, untilEnded } from '../__fixtures__/resident-cli.ts';
import { aheadOf, executeRequest, isRunning, readEvents, startTestAgent } from '../__fixtures__/test-agent.ts';
import type { TestAgent } from '../__fixtures__/test-agent.ts';

/** Has one conversation, which is new or the one it is told to continue, and answers a message a line. */
const CLI = `echo $$ >> "$HOME/pids"
session=s$$
if [ "$1" = --resume ]; then session=$2; fi
say() { printf '%s\\n' "{\\"type\\":\\"$1\\",\\"session_id\\":\\"$session\\"$2}"; }
while read -r line; do
  if [ -e "$HOME/vanish" ]; then rm "$HOME/vanish"; exit 1; fi
  printf '%s\\n' "$line" >> "$HOME/said"
  say init
  case "$line" in
    *quoted*) say text ',"input":{"type":"result"},"text":"{\\"type\\":\\"result\\"}"';;
    *lasting*) say text ',"message":{"content":[{"name":"Read"},{"name":"Cron"}]}';;
    *other*) session=elsewhere; say init;;
    *leave*) sleep 600 & echo $! > "$HOME/left";;
    *rotate*) mkdir -p "$HOME/.fake"; echo new > "$HOME/.fake/auth.json";;
    *crash*) exit 3;;
    *hang*) say hanging; sleep 600;;
  esac
  case "$line" in *fail*) say result ',"is_error":true';; *) say result ',"is_error":false';; esac
  case "$line" in *chatter*) read -r go < "$HOME/go"; say wakeup;; esac
done
echo closed >> "$HOME/said"`;

const message = { type: 'user', content: [{ text: { slot: 'prompt' } }] };
const over = [{ at: '/type', equals: 'result' }];
const ends = [
  { at: '/is_error', equals: true },
  { at: '/message/content/*/name', equals: 'Cron' },
];

interface PromptChange {
  readonly session?: string | undefined;
  readonly flag?: string;
  readonly maxPrompts?: number;
}

function promptRequest(
  prompt: string,
  { session, flag = '--now', maxPrompts = 50 }: PromptChange = {},
): ExecuteRequest {
  const resident = {
    conversation: '/session_id',
    ends,
    maxPrompts,
    startFiles: ['~/.fake/auth.json'],
    argv: [flag],
    ...(session !== undefined && { session }),
  };
  const argv = session === undefined ? [flag] : ['--resume', session, flag];
  return executeRequest({ prompt, argv, messages: { message, over, resident } });
}

const ask = (agent: TestAgent, text: string, change?: PromptChange): Promise<readonly ExecuteEvent[]> =>
  execute(agent, promptRequest(text, change));

function sessionIn(events: readonly ExecuteEvent[]): string {
  const [first] = events;
  return first?.type === 'stdout' ? JSON.parse(first.line).session_id : '';
}

describe('a CLI that takes messages and stays for the next prompt', () => {
  it('takes the prompts of one conversation, as JSON whatever is in them', async () => {
    await using agent = await startTestAgent(CLI);
    const words = 'one "two"\nthree \\ {"slot":"prompt"} \u2028';
    const first = await ask(agent, words);
    const session = sessionIn(first);
    expect(first.map((event) => event.type)).toEqual(['stdout', 'stdout', 'exit']);
    expect(first.at(-1)).toEqual(exit);
    const second = await ask(agent, 'again', { session });
    expect(sessionIn(second)).toBe(session);
    expect(second.at(-1)).toEqual(exit);
    expect(await pidsOf(agent)).toHaveLength(1);
    const said = (await linesOf(agent, 'said')).map((line) => JSON.parse(line));
    expect(said).toEqual([words, 'again'].map((text) => ({ type: 'user', content: [{ text }] })));
  });

  it('stays where it is still being started when it is told its first prompt', async () => {
    // The answering process is a child, as it is in a sandbox.
    await using agent = await startTestAgent(`(${CLI}\n)\nexit 0`);
    const session = sessionIn(await ask(agent, 'one'));
    await ask(agent, 'two', { session });
    expect((await linesOf(agent, 'said')).filter((line) => line !== 'closed')).toHaveLength(2);
    expect(await pidsOf(agent)).toHaveLength(1);
  });

  it('takes no prompt of another conversation, which gets a process to itself', async () => {
    await using agent = await startTestAgent(CLI);
    const sessions = [sessionIn(await ask(agent, 'a')), sessionIn(await ask(agent, 'b'))] as const;
    expect(new Set(sessions).size).toBe(2);
    for (const session of [sessions[0], sessions[1], sessions[0]]) {
      expect(sessionIn(await ask(agent, 'more', { session }))).toBe(session);
    }
    const pids = await pidsOf(agent);
    // Each prompt found the other conversation waiting.
    expect(pids).toHaveLength(5);
    for (const pid of pids.slice(0, -1)) await untilEnded(pid);
  });

  it('goes on in a process that was started to continue the conversation', async () => {
    await using agent = await startTestAgent(CLI);
    await ask(agent, 'one', { session: 'kept' });
    expect(sessionIn(await ask(agent, 'two', { session: 'kept' }))).toBe('kept');
    expect(await pidsOf(agent)).toHaveLength(1);
  });

  it('is not taken in by an end of an answer that stands inside a line', async () => {
    await using agent = await startTestAgent(CLI);
    expect((await ask(agent, 'quoted')).map((event) => event.type)).toEqual(['stdout', 'stdout', 'stdout', 'exit']);
  });

  it.each([
    ['its answer says that the prompt failed', 'fail'],
    ['a tool leaves something in the process', 'lasting'],
    ['it goes on in another conversation', 'other'],
    ['it has rotated its credential', 'rotate'],
    ['it has left a program running', 'leave'],
  ])('ends after a prompt if %s', async (_what, word) => {
    await using agent = await startTestAgent(CLI);
    const session = sessionIn(await ask(agent, 'one'));
    expect((await ask(agent, word, { session })).at(-1)).toMatchObject({ type: 'exit', reason: 'ended' });
    const [first, ...more] = await pidsOf(agent);
    expect(more).toEqual([]);
    await untilEnded(first);
    const [left] = await linesOf(agent, 'left');
    if (left !== undefined) await untilEnded(Number(left));
  });

  it('closes the input of one that must not stay, and waits for it to end', async () => {
    await using agent = await startTestAgent(`${CLI}\nexit 7`);
    expect((await ask(agent, 'fail')).at(-1)).toEqual({ ...exit, code: 7 });
    expect((await linesOf(agent, 'said')).at(-1)).toBe('closed');
  });

  it('closes the input where no process is to stay', async () => {
    await using agent = await startTestAgent(CLI);
    const events = await execute(agent, executeRequest({ prompt: 'one', messages: { message, over } }));
    expect(events.map((event) => event.type)).toEqual(['stdout', 'stdout', 'exit']);
    expect((await linesOf(agent, 'said')).at(-1)).toBe('closed');
    await untilEnded((await pidsOf(agent))[0]);
  });

  it('ends when it prints anything while it waits', async () => {
    await using agent = await startTestAgent(CLI);
    const go = join(agent.home, 'go');
    execFileSync('mkfifo', [go]);
    await ask(agent, 'chatter');
    const [first = 0] = await pidsOf(agent);
    expect(await isRunning(first)).toBe(true);
    await writeFile(go, 'go\n');
    await untilEnded(first);
  });

  it.each([
    ['for other arguments', { flag: '--other' }],
    ['after as many prompts as it may take', { maxPrompts: 2 }],
  ])('is started again %s', async (_what, change) => {
    await using agent = await startTestAgent(CLI);
    const limits = { ...('maxPrompts' in change && change) };
    const session = sessionIn(await ask(agent, 'one', limits));
    await ask(agent, 'two', { ...limits, session });
    expect((await ask(agent, 'three', { ...change, session })).at(-1)).toEqual(exit);
    await expectFresh(agent);
  });

  it('is started again where other settings are put into its home', async () => {
    await using agent = await startTestAgent(CLI);
    const session = sessionIn(await ask(agent, 'one'));
    const request = promptRequest('two', { session });
    const settings = [{ path: '~/.fake/key.json', content: '{"key":"another"}', write: 'merge-json' as const }];
    expect((await execute(agent, { ...request, cli: { ...request.cli, settings } })).at(-1)).toEqual(exit);
    await expectFresh(agent);
  });

  it('is started again where it ends before it has read the prompt, which is told once', async () => {
    await using agent = await startTestAgent(CLI);
    const session = sessionIn(await ask(agent, 'one'));
    await writeFile(join(agent.home, 'vanish'), '');
    const events = await ask(agent, 'two', { session });
    expect([sessionIn(events), events.at(-1)]).toEqual([session, exit]);
    expect((await linesOf(agent, 'said')).filter((line) => line.includes('two'))).toHaveLength(1);
  });

  it('is not started again for a prompt that it has begun to answer', async () => {
    await using agent = await startTestAgent(CLI);
    const session = sessionIn(await ask(agent, 'one'));
    expect((await ask(agent, 'crash', { session })).at(-1)).toEqual({ ...exit, code: 3 });
    expect(await pidsOf(agent)).toHaveLength(1);
  });

  it('ends with a prompt that is canceled', async () => {
    await using agent = await startTestAgent(CLI);
    const session = sessionIn(await ask(agent, 'one'));
    const stream = await agent.open('POST', '/execute', promptRequest('hang', { session }));
    for await (const { data } of readEvents(stream)) {
      if (JSON.stringify(data).includes('hanging')) break;
    }
    stream.destroy();
    const [first] = await pidsOf(agent);
    await untilEnded(first);
    expect((await ask(agent, 'two', { session })).at(-1)).toEqual(exit);
  });
});

/** Starts a process ahead for what a prompt would ask. */
function startAhead(agent: TestAgent, change?: PromptChange): Promise<{ readonly status: number }> {
  return agent.post('/execute/start-ahead', aheadOf(promptRequest('', change)));
}

const untilStarted = (agent: TestAgent, count = 1): Promise<void> =>
  until('the process to be started', async () => (await pidsOf(agent)).length === count);

describe('a CLI that is started ahead', () => {
  it('takes the prompt that begins a conversation, and stays for the next', async () => {
    await using agent = await startTestAgent(CLI);
    expect(await startAhead(agent)).toMatchObject({ status: 200 });
    await untilStarted(agent);
    const session = sessionIn(await ask(agent, 'one'));
    expect((await ask(agent, 'two', { session })).at(-1)).toEqual(exit);
    expect(await pidsOf(agent)).toHaveLength(1);
    expect((await agent.get('/health')).body).toMatchObject({ activeSessions: 0 });
  });

  it('takes the prompt that continues its conversation', async () => {
    await using agent = await startTestAgent(CLI);
    await startAhead(agent, { session: 'kept' });
    await untilStarted(agent);
    expect(sessionIn(await ask(agent, 'one', { session: 'kept' }))).toBe('kept');
    expect(await pidsOf(agent)).toHaveLength(1);
  });

  it('is the one that waits already, where that would do', async () => {
    await using agent = await startTestAgent(CLI);
    const session = sessionIn(await ask(agent, 'one'));
    await startAhead(agent, { session });
    expect((await ask(agent, 'two', { session })).at(-1)).toEqual(exit);
    expect(await pidsOf(agent)).toHaveLength(1);
  });

  it('takes the place of one that waits for something else', async () => {
    await using agent = await startTestAgent(CLI);
    await ask(agent, 'one');
    await startAhead(agent);
    await untilStarted(agent, 2);
    await untilEnded((await pidsOf(agent))[0]);
    expect((await ask(agent, 'two')).at(-1)).toEqual(exit);
    expect(await pidsOf(agent)).toHaveLength(2);
  });

  it('is not used for a prompt with other arguments', async () => {
    await using agent = await startTestAgent(CLI);
    await startAhead(agent);
    await untilStarted(agent);
    expect((await ask(agent, 'one', { flag: '--other' })).at(-1)).toEqual(exit);
    const [first] = await pidsOf(agent);
    await untilEnded(first);
  });

  it('is not started while a prompt runs', async () => {
    await using agent = await startTestAgent(CLI);
    const stream = await agent.open('POST', '/execute', promptRequest('hang'));
    for await (const { data } of readEvents(stream)) {
      if (!JSON.stringify(data).includes('hanging')) continue;
      await startAhead(agent, { flag: '--other' });
      break;
    }
    stream.destroy();
    expect((await ask(agent, 'two')).at(-1)).toEqual(exit);
    expect(await pidsOf(agent)).toHaveLength(2);
  });

  it('is none for a CLI whose process takes one prompt', async () => {
    await using agent = await startTestAgent(CLI);
    const request = executeRequest({ messages: { message, over } });
    expect(await agent.post('/execute/start-ahead', aheadOf(request))).toMatchObject({ status: 200 });
    expect((await execute(agent, request)).at(-1)).toEqual(exit);
    expect(await pidsOf(agent)).toHaveLength(1);
  });

  it('ends with the agent, and when the agent is asked to end what waits', async () => {
    let pid = 0;
    {
      await using agent = await startTestAgent(CLI);
      await startAhead(agent);
      await untilStarted(agent);
      [pid = 0] = await pidsOf(agent);
      await agent.post('/execute/end-waiting', {});
      expect(await isRunning(pid)).toBe(false);
      await startAhead(agent);
      await untilStarted(agent, 2);
      pid = (await pidsOf(agent))[1] ?? 0;
    }
    expect(await isRunning(pid)).toBe(false);
  });
});
