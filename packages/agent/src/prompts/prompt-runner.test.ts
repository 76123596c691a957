import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { executeEventSchema } from '@sallyport/core/protocol';
import type { ExecuteEvent, ExecuteRequest } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { readSlowly } from '../../../../test/setup/read-slowly.ts';
import { until } from '../../../../test/setup/until.ts';
import { executeRequest, isRunning, readEvents, startTestAgent, token } from '../__fixtures__/test-agent.ts';
import { createPatientClock } from '../__fixtures__/patient-clock.ts';
import type { TestAgent } from '../__fixtures__/test-agent.ts';

async function execute(agent: TestAgent, change: Partial<ExecuteRequest> = {}): Promise<readonly ExecuteEvent[]> {
  const events: ExecuteEvent[] = [];
  const stream = await agent.open('POST', '/execute', executeRequest(change));
  for await (const { data } of readEvents(stream)) events.push(executeEventSchema.parse(data));
  return events;
}

/** The number that a program writes to a file, once it is there. */
async function numberIn(path: string): Promise<number> {
  let text = '';
  await until(`a line in ${path}`, async () => {
    text = await readFile(path, 'utf8').catch(() => '');
    return text.endsWith('\n');
  });
  return Number(text);
}

const ended = { type: 'exit', code: 0, signal: null, reason: 'ended' };

describe('a prompt', () => {
  it('goes in by standard input, and lines come out in order, the exit last', async () => {
    await using agent = await startTestAgent('cat; echo; echo trouble >&2; printf end; exit 0');
    const events = await execute(agent, { prompt: 'zwei\nZeilen ✓' });
    const stdout = events.flatMap((event) => (event.type === 'stdout' ? [event.line] : []));
    expect(stdout).toEqual(['zwei', 'Zeilen ✓', 'end']);
    expect(events).toContainEqual({ type: 'stderr', line: 'trouble' });
    expect(events.at(-1)).toEqual(ended);
  });

  it('may have 300 KiB', async () => {
    await using agent = await startTestAgent('wc -c');
    const events = await execute(agent, { prompt: '"'.repeat(300 * 1024) });
    expect(events[0]).toMatchObject({ type: 'stdout', line: expect.stringContaining('307200') });
  });

  it('may be ignored by the CLI', async () => {
    await using agent = await startTestAgent('exec 0<&-; echo done');
    expect(await execute(agent, { prompt: 'a'.repeat(300 * 1024) })).toEqual([{ type: 'stdout', line: 'done' }, ended]);
  });

  it('runs in its directory, with its arguments, and with neither prompt nor token in argv or environment', async () => {
    const script = `pwd; echo "$@"; echo $SECRET; cat /proc/$$/environ /proc/$$/cmdline | tr '\\0' '\\n' > "$HOME/seen"`;
    await using agent = await startTestAgent(script);
    const change = { prompt: 'canary-prompt', argv: ['exec', '-m', 'a b'], env: { SECRET: 'for this run' } };
    const events = await execute(agent, { ...change, workingDirectory: '~/work/project' });
    expect(events.slice(0, 3)).toEqual([
      { type: 'stdout', line: join(agent.home, 'work/project') },
      { type: 'stdout', line: 'exec -m a b' },
      { type: 'stdout', line: 'for this run' },
    ]);
    const seen = await readFile(join(agent.home, 'seen'), 'utf8');
    expect(seen).toContain('SECRET=for this run');
    expect(seen).not.toContain('canary-prompt');
    expect(seen).not.toContain(token);
  });

  it('ends when the caller goes away, with everything the CLI has started', async () => {
    const script = `sh -c 'sleep 600 & echo $! > "$HOME/grandchild"; wait' & echo $$ > "$HOME/pid"; echo started; wait`;
    await using agent = await startTestAgent(script);
    const stream = await agent.open('POST', '/execute', executeRequest());
    const pids = await Promise.all(['pid', 'grandchild'].map((name) => numberIn(join(agent.home, name))));
    expect(await Promise.all(pids.map(isRunning))).toEqual([true, true]);
    stream.destroy();
    await until('the CLI to end', async () => !(await Promise.all(pids.map(isRunning))).includes(true));
    await until('its session to end', async () => (await agent.get('/health')).body['activeSessions'] === 0);
  });

  it('does not wait for what the CLI left running behind it', async () => {
    // Far longer than the test may take.
    await using agent = await startTestAgent('sleep 600 & echo done');
    expect(await execute(agent)).toEqual([{ type: 'stdout', line: 'done' }, ended]);
  });

  it('ends at its time limit, also when the CLI does not listen', async () => {
    const clock = createPatientClock();
    const script = `trap '' TERM; echo $$ > "$HOME/pid"; while :; do sleep 1; done`;
    await using agent = await startTestAgent(script, {}, clock);
    const running = execute(agent, { timeoutMs: 200 });
    // The limit must not come before the CLI is deaf to it.
    await numberIn(join(agent.home, 'pid'));
    const events = await clock.passUntil(running);
    expect(events.at(-1)).toMatchObject({ type: 'exit', reason: 'timeout', signal: 'SIGKILL' });
  });

  it('ends at its output limit', async () => {
    await using agent = await startTestAgent('yes');
    const events = await execute(agent, { maxOutputBytes: 100_000 });
    expect(events.at(-1)).toMatchObject({ type: 'exit', reason: 'output-limit' });
  });

  it('cuts a line that is too long and says so', async () => {
    await using agent = await startTestAgent(`head -c 2000000 /dev/zero | tr '\\0' a; echo; echo next`);
    const events = await execute(agent);
    expect(events[0]).toEqual({ type: 'stdout', line: 'a'.repeat(1024 * 1024), dropped: 951_424 });
    expect(events[1]).toEqual({ type: 'stdout', line: 'next' });
  });

  it('makes the CLI wait for a caller who does not read', async () => {
    const script = `head -c 100000 /dev/zero | tr '\\0' a > "$HOME/line"; echo >> "$HOME/line"
i=0; while [ $i -lt 200 ]; do cat "$HOME/line"; i=$((i+1)); echo $i > "$HOME/progress"; done`;
    await using agent = await startTestAgent(script);
    const stream = await agent.open('POST', '/execute', executeRequest({ maxOutputBytes: 100_000_000 }));
    const progress = async (): Promise<number> =>
      Number(await readFile(join(agent.home, 'progress'), 'utf8').catch(() => 0));
    let [received, furthestAhead] = [0, 0];
    await readSlowly(stream, async (chunk) => {
      received += chunk.length;
      furthestAhead = Math.max(furthestAhead, (await progress()) * 100_001 - received);
    });
    expect(received).toBeGreaterThan(20_000_000);
    expect(await progress()).toBe(200);
    // Pipes and sockets hold some hundred kilobytes; the agent holds a line or two.
    expect(furthestAhead).toBeLessThan(2_500_000);
  });

  it('is refused when too many run already', async () => {
    await using agent = await startTestAgent('echo up; sleep 600');
    const streams = await Promise.all([1, 2, 3, 4].map(() => agent.open('POST', '/execute', executeRequest())));
    expect(await agent.post('/execute', executeRequest())).toMatchObject({
      status: 409,
      body: { code: 'MACHINE_BUSY' },
    });
    for (const stream of streams) stream.destroy();
  });

  it('says when the CLI cannot be started', async () => {
    await using agent = await startTestAgent('exit 0');
    // A directory is there and yet cannot be executed.
    const cli = { ...executeRequest().cli, bin: { [`${process.platform}-${process.arch}`]: 'node_modules/.' } };
    expect((await execute(agent, { cli })).at(-1)).toMatchObject({ reason: 'spawn-failed', code: null });
  });

  it('is refused where the CLI has none of the programs that its manifest names', async () => {
    await using agent = await startTestAgent('exit 0');
    const bin = { [`${process.platform}-${process.arch}`]: ['node_modules/gone', 'node_modules/old/gone'] };
    expect(await agent.post('/execute', executeRequest({ cli: { ...executeRequest().cli, bin } }))).toMatchObject({
      body: {
        code: 'PROVIDER_CLI_MISSING',
        message: expect.stringContaining('node_modules/gone and no node_modules/old'),
      },
    });
  });
});

describe('a prompt over JSON-RPC', () => {
  const rpc: ExecuteRequest['rpc'] = {
    steps: [
      { id: 'hello', do: { kind: 'request', method: 'hello', replyWithinMs: 60_000 } },
      {
        id: 'say',
        when: { pattern: '^hello result$' },
        do: { kind: 'request', method: 'say', params: { text: { slot: 'prompt' } }, replyWithinMs: 60_000 },
      },
    ],
    over: [{ when: { pattern: '^done$' } }],
    values: {},
  };
  const hello = `read line; echo '{"id":"hello","result":{}}'`;

  it('is told to the CLI when it is ready, whose input is closed when it is done', async () => {
    const script = `${hello}; read -r line; printf '%s' "$line" > "$HOME/said"; echo noise; echo '{"method":"done"}'; cat; exit 3`;
    await using agent = await startTestAgent(script);
    const events = await execute(agent, { rpc, prompt: 'zwei\nZeilen' });
    expect(events).toEqual([
      { type: 'rpc', message: { id: 'hello', result: {} } },
      { type: 'stdout', line: 'noise' },
      { type: 'rpc', message: { method: 'done' } },
      { ...ended, code: 3 },
    ]);
    const said: unknown = JSON.parse(await readFile(join(agent.home, 'said'), 'utf8'));
    expect(said).toEqual({ jsonrpc: '2.0', id: 'say', method: 'say', params: { text: 'zwei\nZeilen' } });
  });

  it('ends when a request is not answered in its time', async () => {
    const clock = createPatientClock();
    await using agent = await startTestAgent('sleep 600', {}, clock);
    const events = await clock.passUntil(execute(agent, { rpc }));
    expect(events.at(-1)).toMatchObject({
      reason: 'timeout',
      message: 'The CLI did not answer the request hello in time and was ended.',
    });
  });

  it('reads a message that is too long, without the ends of its texts', async () => {
    const script = `${hello}; read line; printf '{"method":"done","params":{"x":"'; head -c 2000000 /dev/zero | tr '\\0' a; echo '"}}'; cat; exit 0`;
    await using agent = await startTestAgent(script);
    const events = await execute(agent, { rpc });
    expect(events[1]).toEqual({
      type: 'rpc',
      message: { method: 'done', params: { x: expect.stringMatching(/^a+ … \(shortened from 2000000 characters\)$/) } },
      dropped: expect.any(Number),
    });
  });

  it('takes half of a line that is too long for no message', async () => {
    const script = `${hello}; read line; printf '{"method":"done","x":"'; head -c 2000000 /dev/zero | tr '\\0' a; exit 0`;
    await using agent = await startTestAgent(script);
    const events = await execute(agent, { rpc });
    expect(events.filter((event) => event.type === 'rpc')).toHaveLength(1);
    expect(events[1]).toMatchObject({ type: 'stdout', dropped: expect.any(Number) });
  });

  it('goes on among what steers a terminal', async () => {
    const mode = String.raw`printf '\033[?2004h\033]0;title\007\357\273\277'`;
    const script = `${mode}; ${hello}; read line; ${mode}; printf '{"method":"done"}\\033[?25h\\r\\n'; cat; exit 0`;
    await using agent = await startTestAgent(script);
    expect((await execute(agent, { rpc })).filter((event) => event.type === 'rpc')).toEqual([
      { type: 'rpc', message: { id: 'hello', result: {} } },
      { type: 'rpc', message: { method: 'done' } },
    ]);
  });
});
