import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { ExecuteEvent, ExecuteRequest } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { until } from '../../../../test/setup/until.ts';
import { createPatientClock } from '../__fixtures__/patient-clock.ts';
import { execute, exit, expectFresh, pidsOf, untilEnded } from '../__fixtures__/resident-cli.ts';
import {
  aheadOf,
  executeRequest,
  isRunning,
  provider,
  readEvents,
  startTestAgent,
} from '../__fixtures__/test-agent.ts';
import type { TestAgent } from '../__fixtures__/test-agent.ts';

/**
 * Answers every prompt, and notes its id when it starts. Each new conversation gets a number; `resume` goes on with one.
 * Some words in a prompt make it do something first.
 */
const CLI = `echo $$ >> "$HOME/pids"
n=0
while read -r line; do
  case "$line" in
    *'"method":"hello"'*) echo '{"id":"hello","result":{}}';;
    *'"method":"open"'*)
      n=$((n+1))
      if [ -e "$HOME/vanish" ]; then rm "$HOME/vanish"; exit 1; fi
      thread=t$$-$n
      echo "{\\"id\\":\\"open\\",\\"result\\":{\\"thread\\":\\"$thread\\"}}";;
    *'"method":"resume"'*)
      thread=\${line##*'"session":"'}; thread=\${thread%%'"'*}
      if [ "$thread" = gone ]; then echo '{"id":"open","error":{"code":1,"message":"no"}}'; continue; fi
      echo "{\\"id\\":\\"open\\",\\"result\\":{\\"thread\\":\\"$thread\\"}}";;
    *'"method":"say"'*)
      echo "$line" >> "$HOME/said"
      case "$line" in
        *rotate*) mkdir -p "$HOME/.fake"; echo new > "$HOME/.fake/auth.json";;
        *leave*) sleep 600 & echo $! > "$HOME/left";;
        *orphan*) (sleep 600 & echo $! > "$HOME/left");;
        *agent*) echo '{"method":"text","params":{"thread":"agent","text":"working"}}';;
        *fail*) echo "{\\"id\\":\\"say\\",\\"result\\":{}}"; echo "{\\"method\\":\\"done\\",\\"params\\":{\\"thread\\":\\"$thread\\",\\"status\\":\\"failed\\"}}"; continue;;
        *early*) echo "{\\"method\\":\\"done\\",\\"params\\":{\\"thread\\":\\"$thread\\"}}";;
        *hold*) mkfifo "$HOME/go"; read -r go < "$HOME/go";;
        *hang*) echo '{"method":"text","params":{"text":"hanging"}}'; sleep 600;;
        *grow*) memory=$(head -c 40000000 /dev/zero | tr '\\0' a);;
        *echo*) echo "{\\"method\\":\\"text\\",\\"params\\":{\\"thread\\":\\"t$$-1\\",\\"text\\":\\"late\\"}}";;
      esac
      if [ "\${line##*refuse}" != "$line" ]; then echo '{"id":"say","error":{"code":1,"message":"no"}}'; continue; fi
      echo '{"id":"say","result":{}}'
      echo "{\\"method\\":\\"text\\",\\"params\\":{\\"thread\\":\\"$thread\\",\\"text\\":\\"answer\\"}}"
      echo "{\\"method\\":\\"done\\",\\"params\\":{\\"thread\\":\\"$thread\\"}}";;
  esac
done`;

const request = (id: string, method: string, params: object, pattern?: string): object => ({
  id,
  ...(pattern !== undefined && { when: { pattern } }),
  do: { kind: 'request', method, params, replyWithinMs: 60_000 },
});
const hello = request('hello', 'hello', {});
const say = request('say', 'say', { text: { slot: 'prompt' } }, '^open result$');
const open = request('open', 'open', {}, '^hello result$');
const resume = request('open', 'resume', { session: { slot: 'session' } }, '^hello result$');

interface PromptChange {
  readonly session?: string;
  readonly tools?: string;
  readonly resident?: Partial<NonNullable<ExecuteRequest['resident']>>;
}

/** A prompt that may stay, as the server would ask for it. */
function promptRequest(prompt: string, { session, tools = 'workspace', resident }: PromptChange = {}): ExecuteRequest {
  const steps = JSON.parse(JSON.stringify([hello, session === undefined ? open : resume, say]));
  const over = [{ when: { pattern: '^done$' }, same: { at: '/thread', as: { reply: 'open', at: '/thread' } } }];
  return executeRequest({
    prompt,
    rpc: { steps, over, values: { tools, ...(session !== undefined && { session }) } },
    resident: { opening: ['hello'], conversation: '/thread', startFiles: ['~/.fake/auth.json'], ...resident },
  });
}

const ask = (agent: TestAgent, text: string, change?: PromptChange): Promise<readonly ExecuteEvent[]> =>
  execute(agent, promptRequest(text, change));

function threadIn(events: readonly ExecuteEvent[]): string {
  const opened = events.find((event) => event.type === 'rpc' && event.message['id'] === 'open');
  return String(Object(opened?.type === 'rpc' && opened.message['result']).thread);
}

describe('a CLI that stays for the next prompt', () => {
  it('is started once for prompts that come one after another, and each has its own exit', async () => {
    await using agent = await startTestAgent(CLI);
    const answers = [await ask(agent, 'one'), await ask(agent, 'two'), await ask(agent, 'three')];
    expect(await pidsOf(agent)).toHaveLength(1);
    expect(answers.map((events) => events.at(-1))).toEqual([exit, exit, exit]);
    expect(new Set(answers.map(threadIn)).size).toBe(3);
    // The greeting is taken once, and the others are as long as the first otherwise.
    expect(answers.map((events) => events.length)).toEqual([6, 5, 5]);
    expect((await agent.get('/health')).body).toMatchObject({ activeSessions: 0 });
  });

  it('may be started ahead, and takes prompts of any conversation then', async () => {
    await using agent = await startTestAgent(CLI);
    expect(await agent.post('/execute/start-ahead', aheadOf(promptRequest('')))).toMatchObject({ status: 200 });
    await until('the process to be started', async () => (await pidsOf(agent)).length === 1);
    expect((await ask(agent, 'one', { session: 'kept' })).at(-1)).toEqual(exit);
    expect((await ask(agent, 'two')).at(-1)).toEqual(exit);
    expect(await pidsOf(agent)).toHaveLength(1);
  });

  it('goes on with either of two conversations', async () => {
    await using agent = await startTestAgent(CLI);
    const [first, second] = [threadIn(await ask(agent, 'a')), threadIn(await ask(agent, 'b'))];
    for (const session of [first, second, first]) {
      const events = await ask(agent, 'more', { session });
      expect(threadIn(events)).toBe(session);
      expect(events).toContainEqual({ type: 'rpc', message: { method: 'done', params: { thread: session } } });
    }
    expect(await pidsOf(agent)).toHaveLength(1);
  });

  it('shows a prompt nothing of an earlier conversation, unless it goes on with that', async () => {
    await using agent = await startTestAgent(CLI);
    const session = threadIn(await ask(agent, 'one'));
    const late = { type: 'rpc', message: { method: 'text', params: { thread: session, text: 'late' } } };
    expect(await ask(agent, 'echo')).not.toContainEqual(late);
    expect(await ask(agent, 'echo', { session })).toContainEqual(late);
    expect(await pidsOf(agent)).toHaveLength(1);
  });

  it('is started again after it was killed while it waited', async () => {
    await using agent = await startTestAgent(CLI);
    await ask(agent, 'one');
    const [first = 0] = await pidsOf(agent);
    process.kill(first, 'SIGKILL');
    expect((await ask(agent, 'two')).at(-1)).toEqual(exit);
    await expectFresh(agent);
  });

  it('is started again where it ends before it was told the prompt, which is told once', async () => {
    await using agent = await startTestAgent(CLI);
    await ask(agent, 'one');
    await writeFile(join(agent.home, 'vanish'), '');
    expect((await ask(agent, 'two')).at(-1)).toEqual(exit);
    await expectFresh(agent);
    expect((await readFile(join(agent.home, 'said'), 'utf8')).match(/two/g)).toHaveLength(1);
  });

  it('is not started again for a prompt that it has refused', async () => {
    await using agent = await startTestAgent(CLI);
    await ask(agent, 'one');
    const events = await ask(agent, 'two', { session: 'gone' });
    expect(events.filter((event) => event.type === 'rpc' && 'error' in event.message)).toHaveLength(1);
    expect(events.at(-1)).toEqual(exit);
    expect(await pidsOf(agent)).toHaveLength(1);
  });

  it('ends by itself where it completes the answer before it has replied to every request', async () => {
    await using agent = await startTestAgent(`${CLI}\nexit 7`);
    expect((await ask(agent, 'early')).at(-1)).toEqual({ ...exit, code: 7 });
  });

  it.each<[string, (agent: TestAgent) => Promise<unknown>]>([
    ['its credential was written by another', (agent) => writeFile(join(agent.home, '.fake/auth.json'), '{}')],
    ['its directory was replaced by another', (agent) => rename(join(agent.home, 'work'), join(agent.home, 'moved'))],
    ['its settings have changed', (agent) => writeFile(join(agent.home, '.fake/config'), 'updates = on\n')],
  ])('is started again where %s', async (_what, change) => {
    await using agent = await startTestAgent(CLI);
    const resident = { startFiles: ['~/.fake/auth.json', '~/.fake/config'] };
    await ask(agent, 'one', { resident });
    await change(agent);
    expect((await ask(agent, 'two', { resident })).at(-1)).toEqual(exit);
    await expectFresh(agent);
  });

  it('is started again for another tool policy', async () => {
    await using agent = await startTestAgent(CLI);
    await ask(agent, 'one');
    expect((await ask(agent, 'two', { tools: 'read-only' })).at(-1)).toEqual(exit);
    await expectFresh(agent);
  });

  it.each([
    ['it has rotated its credential', 'rotate', {}],
    ['it has left a program running, which ends with it', 'leave', {}],
    ['it has left a program running whose parent has ended', 'orphan', {}],
    ['a conversation that it has started may go on', 'agent', {}],
    ['it takes more memory than it may', 'grow', { maxMemoryMb: 16 }],
    ['one of its requests was refused', 'refuse', {}],
    ['its answer says that the prompt failed', 'fail', { failed: [{ pattern: '^done /status failed$' }] }],
  ])('ends after a prompt if %s', async (_what, word, resident) => {
    await using agent = await startTestAgent(CLI);
    expect((await ask(agent, word, { resident })).at(-1)).toMatchObject({ type: 'exit', reason: 'ended' });
    const [first] = await pidsOf(agent);
    await untilEnded(first);
    const left = Number(await readFile(join(agent.home, 'left'), 'utf8').catch(() => '0'));
    // The signal goes to both at once, and either may be the first to end.
    if (left > 0) await untilEnded(left);
  });

  it('ends after as many prompts as it may take', async () => {
    await using agent = await startTestAgent(CLI);
    for (const text of ['one', 'two', 'three']) await ask(agent, text, { resident: { maxPrompts: 2 } });
    await expectFresh(agent);
  });

  it('ends with a prompt that is canceled', async () => {
    await using agent = await startTestAgent(CLI);
    await ask(agent, 'one');
    const stream = await agent.open('POST', '/execute', promptRequest('hang'));
    for await (const { data } of readEvents(stream)) {
      if (JSON.stringify(data).includes('hanging')) break;
    }
    stream.destroy();
    const [first] = await pidsOf(agent);
    await untilEnded(first);
    expect((await ask(agent, 'two')).at(-1)).toEqual(exit);
  });

  it('ends when it has waited too long', async () => {
    const clock = createPatientClock();
    await using agent = await startTestAgent(CLI, {}, clock);
    await ask(agent, 'one', { resident: { idleMs: 60_000 } });
    const [first] = await pidsOf(agent);
    await clock.passUntil(untilEnded(first));
  });

  it('ends before a command that may change the login', async () => {
    await using agent = await startTestAgent(CLI.replace('n=0', 'if [ "$1" = status ]; then exit 3; fi; n=0'));
    await ask(agent, 'one');
    const [first] = await pidsOf(agent);
    expect((await execute(agent, executeRequest({ argv: ['status'] }))).at(-1)).toMatchObject({ code: 3 });
    expect(first !== undefined && (await isRunning(first))).toBe(false);
  });

  it('ends before a prompt of another provider', async () => {
    await using agent = await startTestAgent(CLI);
    Object.assign(agent.boot.clis, { other: agent.boot.clis[provider] });
    await ask(agent, 'one');
    expect((await execute(agent, { ...promptRequest('two'), provider: 'other' })).at(-1)).toEqual(exit);
    await expectFresh(agent);
  });

  it('is joined by another for a prompt at the same time, and one of them stays', async () => {
    await using agent = await startTestAgent(CLI);
    const held = ask(agent, 'hold');
    const go = join(agent.home, 'go');
    await until('the first to be told its prompt', () => stat(go).then(Boolean, () => false));
    expect((await ask(agent, 'two')).at(-1)).toEqual(exit);
    await writeFile(go, 'go\n');
    expect((await held).at(-1)).toEqual(exit);
    await ask(agent, 'three');
    const pids = await pidsOf(agent);
    expect(pids).toHaveLength(2);
    await until(
      'one of them to end',
      async () => (await Promise.all(pids.map(isRunning))).filter(Boolean).length === 1,
    );
  });

  it('ends with the agent, and when the agent is asked to end what waits', async () => {
    let pid = 0;
    {
      await using agent = await startTestAgent(CLI);
      await ask(agent, 'one');
      [pid = 0] = await pidsOf(agent);
      expect(await agent.post('/execute/end-waiting', {})).toMatchObject({ status: 200 });
      expect(await isRunning(pid)).toBe(false);
      await ask(agent, 'two');
      pid = (await pidsOf(agent))[1] ?? 0;
      expect(await isRunning(pid)).toBe(true);
    }
    expect(await isRunning(pid)).toBe(false);
  });
});
