import { setImmediate } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { createVirtualClock } from '../../../testkit/src/clock.ts';
import { createHooks } from './create-hooks.ts';
import type { CreateHooksOptions } from './create-hooks.ts';
import { SallyportError } from '../base/errors.ts';
import { hookNames } from './hooks.ts';
import type { HookCalls } from './hooks.ts';
import { hookDefinitions } from './definitions.ts';
import type { Context } from './arguments.ts';
import type { HookName } from './hooks.ts';
import type { CredentialSummary } from '../contracts/credential-summary.ts';
import type { HookTiming } from './instrument-hooks.ts';
import type { MachineView } from '../contracts/plan.ts';
import type { Plugin, PluginHost } from './plugin.ts';
import type { Question } from '../provider/question.ts';
import type { LoginMethod } from '../provider/login-method.ts';

const context: Context = {
  userId: 'u-1',
  provider: 'codex',
  sessionId: 's-1',
  signal: new AbortController().signal,
};
const machine: MachineView = {
  machineId: 'm-1',
  userId: 'u-1',
  role: 'cli',
  driver: 'process',
  labels: {},
  state: 'running',
};
const machinePlan = {
  machineId: 'm-1',
  userId: 'u-1',
  role: 'cli',
  memoryMb: 512,
  vcpus: 1,
  diskMb: 1024,
  labels: { a: 'b' },
  agent: { directory: '/a', entry: 'main.js', nodeArgs: [], node: 'node' },
  clis: [],
} as const;
const networkPlan = {
  machineId: 'm-1',
  userId: 'u-1',
  purpose: 'work',
  hosts: ['a.b'],
  identity: { userId: 'u-1' },
} as const;
const promptPlan = {
  model: 'm',
  tools: 'workspace',
  projectSettings: 'ignore',
  workingDirectory: '~/work',
  timeoutMs: 1,
  maxOutputBytes: 1,
} as const;
const methods = ['browser', 'device-code'].map((id): LoginMethod => ({
  id,
  title: id,
  kind: 'device-code',
  drive: { kind: 'terminal', argv: ['login'], columns: 2000, rows: 50, steps: [] },
  freshHome: true,
  success: [{ text: 'ok' }],
  failure: [],
  timeoutMs: 60_000,
}));
const url = { href: 'https://a.b/', host: 'a.b', state: undefined, callback: undefined };
const prompt: Question = { id: 'region', label: 'Region?', kind: 'text', secret: false };
const credential: CredentialSummary = {
  provider: 'codex',
  version: 1,
  facts: { kind: 'plan', blank: false },
  reason: 'login',
};
const textEvent = { type: 'text', text: 'hello' } as const;
const view = { promptId: 'p-1', userId: 'u-1', provider: 'codex' };
const domainEvent = { type: 'credential.invalid', at: 1, userId: 'u-1', provider: 'codex', reason: 'refused' } as const;

/** Every hook, called once with harmless arguments. */
const callOf: Readonly<Record<HookName, (calls: HookCalls, given?: Context) => unknown>> = {
  'machine.plan': (calls, given = context) => calls.machinePlan(machinePlan, given),
  'network.plan': (calls, given = context) => calls.networkPlan(networkPlan, given),
  'machine.started': (calls, given = context) => calls.machineStarted(machine, given),
  'machine.stopping': (calls, given = context) => calls.machineStopping(machine, given, 'idle'),
  'login.method': (calls, given = context) => calls.loginMethod(methods, given),
  'login.url': (calls, given = context) => calls.loginUrl(url, given),
  'login.question': (calls, given = context) => calls.loginQuestion(prompt, given),
  'credential.captured': (calls, given = context) => calls.credentialCaptured(credential, given),
  'credential.release': (calls, given = context) => calls.credentialRelease(credential, machine, given),
  'prompt.plan': (calls, given = context) => calls.promptPlan(promptPlan, given),
  'prompt.event': (calls) => calls.promptEvent(textEvent, view),
  event: (calls) => calls.event(domainEvent),
};
const asyncHooks = hookNames.filter((name) => hookDefinitions[name].deadlineMs !== null);
const stoppingHooks = asyncHooks.filter((name) => name !== 'machine.stopping');
const planHooks = ['machine.plan', 'network.plan', 'prompt.plan'] as const;

type AnyTap = (...args: readonly unknown[]) => unknown;

/** A plugin as JavaScript may write it: its tap takes and returns anything. */
const tapping = (name: string, hook: HookName, run: AnyTap): Plugin => ({
  name,
  apply: ({ hooks }) => {
    const { tap } = hooks[hook];
    Reflect.apply(tap, hooks[hook], [name, run]);
  },
});

function setup(plugins: readonly Plugin[], options: Partial<CreateHooksOptions> = {}) {
  const errors: SallyportError[] = [];
  const timings: HookTiming[] = [];
  const clock = createVirtualClock();
  const calls = createHooks({
    plugins,
    clock,
    onError: (error) => errors.push(error),
    onTiming: (timing) => timings.push(timing),
    ...options,
  });
  return { calls, errors, timings, clock };
}

const thrownBy = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe.each(hookNames)('the hook %s', (hook) => {
  it('does nothing where no plugin taps it, and where a tap returns undefined', async () => {
    const untapped = await callOf[hook](setup([]).calls);
    const passed = await callOf[hook](setup([tapping('p', hook, () => undefined)]).calls);
    expect(passed).toEqual(untapped);
  });

  it('reaches every plugin in their order and tells the timing of each', async () => {
    const seen: string[] = [];
    const plugins = ['first', 'second'].map((name) => tapping(name, hook, () => void seen.push(name)));
    const { calls, timings } = setup(plugins);
    await callOf[hook](calls);
    expect(seen).toEqual(['first', 'second']);
    expect(timings).toMatchObject(seen.map((plugin) => ({ plugin, hook, failed: false, ms: expect.any(Number) })));
  });

  it('gives taps what they cannot change', async () => {
    const attempts: unknown[] = [];
    const { calls, errors } = setup([
      tapping('hostile', hook, (...args) => {
        for (const argument of args) {
          if (typeof argument === 'object' && argument !== null) {
            attempts.push(Reflect.set(argument, 'userId', 'u-2'), Reflect.set(argument, 'added', 1));
          }
        }
      }),
    ]);
    await callOf[hook](calls);
    expect(attempts.length).toBeGreaterThan(0);
    expect(attempts).not.toContain(true);
    expect(errors).toEqual([]);
  });

  it('names plugin and hook when a tap throws', async () => {
    const cause = new Error('broken');
    const { calls, errors, timings } = setup([
      tapping('broken', hook, () => {
        throw cause;
      }),
    ]);
    const thrown = await thrownBy(() => callOf[hook](calls));
    const goesOn = hook === 'event' || hook === 'machine.stopping';
    const expected = { code: 'PLUGIN_FAILED', details: { plugin: 'broken', hook }, cause };
    expect(goesOn ? errors[0] : thrown).toMatchObject(expected);
    expect(goesOn ? thrown : undefined).toBeUndefined();
    expect(timings).toMatchObject([{ plugin: 'broken', hook, failed: true }]);
  });
});

describe.each(asyncHooks)('the async hook %s', (hook) => {
  it('names plugin and hook when a tap hangs, and aborts its signal', async () => {
    const signals: AbortSignal[] = [];
    const hang = tapping('slow', hook, (...args) => {
      for (const argument of args) {
        if (
          typeof argument === 'object' &&
          argument &&
          'signal' in argument &&
          argument.signal instanceof AbortSignal
        ) {
          signals.push(argument.signal);
        }
      }
      return new Promise(() => undefined);
    });
    const { calls, errors, clock } = setup([hang], { deadlines: { [hook]: 20 } });
    const called = thrownBy(() => callOf[hook](calls));
    await clock.advance(19);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    await clock.advance(1);
    const thrown = await called;
    const error = hook === 'machine.stopping' ? errors[0] : thrown;
    expect(error).toMatchObject({ code: 'PLUGIN_TIMED_OUT', details: { plugin: 'slow', hook } });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it('waits for an async function given to tap', async () => {
    let finished = false;
    const { calls } = setup([
      tapping('slow', hook, async () => {
        await setImmediate();
        finished = true;
      }),
    ]);
    await callOf[hook](calls);
    expect(finished).toBe(true);
  });
});

describe.each(stoppingHooks)('when the flow is cancelled, %s', (hook) => {
  it('ends with the reason of the flow, blaming no plugin', async () => {
    const flow = new AbortController();
    const reason = new SallyportError('LOGIN_CANCELLED', 'enough');
    const { calls } = setup([
      tapping('slow', hook, () => {
        flow.abort(reason);
        return new Promise(() => undefined);
      }),
    ]);
    await expect(thrownBy(() => callOf[hook](calls, { ...context, signal: flow.signal }))).resolves.toBe(reason);
  });
});

describe('answers that are none', () => {
  it.each<[HookName, unknown]>([
    ...planHooks.flatMap((hook) => [null, 5, 'x', [], true].map((answer): [HookName, unknown] => [hook, answer])),
    ['login.method', null],
    ['login.method', 'browser'],
    ['login.method', { id: 'unknown' }],
    ['login.url', null],
    ['login.url', 'open'],
    ['login.question', null],
    ['login.question', 5],
    ['login.question', 'a\rb'],
    ['login.question', 'x'.repeat(4097)],
    ['credential.release', null],
    ['credential.release', ''],
    ['credential.release', true],
    ['prompt.event', null],
    ['prompt.event', {}],
    ['prompt.event', { type: 'notice', message: 'x' }],
    ['prompt.event', { type: 'text', text: 5 }],
    ['prompt.event', Promise.resolve(textEvent)],
  ])('to %s are the fault of the plugin: %j', async (hook, answer) => {
    const later: string[] = [];
    const { calls } = setup([
      tapping('hostile', hook, () => answer),
      tapping('later', hook, () => void later.push('called')),
    ]);
    const thrown = await thrownBy(() => callOf[hook](calls));
    expect(thrown).toMatchObject({ code: 'PLUGIN_FAILED', details: { plugin: 'hostile', hook } });
    expect(later).toEqual([]);
  });

  it('to hooks that ask for nothing are ignored', async () => {
    for (const hook of ['machine.started', 'machine.stopping', 'credential.captured', 'event'] as const) {
      const { calls, errors } = setup([tapping('chatty', hook, () => ({ stop: true }))]);
      await callOf[hook](calls);
      expect(errors).toEqual([]);
    }
  });

  it('cannot turn the end of a prompt into another', () => {
    const end = { type: 'prompt-end', outcome: 'completed' } as const;
    const { calls } = setup([tapping('hostile', 'prompt.event', () => ({ ...end, outcome: 'failed' }))]);
    expect(() => calls.promptEvent(end, view)).toThrow(/"hostile" failed in "prompt.event"/);
  });
});

describe('answers that count', () => {
  it('pass from plan to plan', async () => {
    const more = (plan: unknown): unknown =>
      Object.assign({}, plan, { memoryMb: Number(Reflect.get(Object(plan), 'memoryMb')) * 2 });
    const { calls } = setup([tapping('a', 'machine.plan', more), tapping('b', 'machine.plan', more)]);
    await expect(calls.machinePlan(machinePlan, context)).resolves.toEqual({ ...machinePlan, memoryMb: 2048 });
  });

  it('end the asking at the first one', async () => {
    const { calls } = setup([
      tapping('quiet', 'login.url', () => undefined),
      tapping('first', 'login.url', () => 'refuse'),
      tapping('second', 'login.url', () => 'show'),
    ]);
    await expect(calls.loginUrl(url, context)).resolves.toBe('refuse');
  });

  it('choose a method by its id, and the method stays ours', async () => {
    const { calls } = setup([tapping('a', 'login.method', () => ({ id: 'device-code', timeoutMs: 1 }))]);
    expect(await calls.loginMethod(methods, context)).toBe(methods[1]);
  });

  it('change a prompt event, without members we do not know', () => {
    const { calls } = setup([tapping('a', 'prompt.event', () => ({ type: 'text', text: '[redacted]', extra: 1 }))]);
    expect(calls.promptEvent(textEvent, view)).toEqual({ type: 'text', text: '[redacted]' });
  });

  it('refuse a credential by a different code', async () => {
    const refusal = new SallyportError('CREDENTIAL_REFUSED', 'only company accounts');
    const refuse = (): never => {
      throw refusal;
    };
    const { calls } = setup([tapping('policy', 'credential.captured', refuse)]);
    await expect(thrownBy(() => calls.credentialCaptured(credential, context))).resolves.toBe(refusal);
    const release = setup([tapping('policy', 'credential.release', () => 'after hours')]);
    await expect(release.calls.credentialRelease(credential, machine, context)).resolves.toBe('after hours');
  });

  it('to a choice are one of the choices', async () => {
    const choice: Question = { ...prompt, kind: 'choice', choices: [{ label: 'Europe', send: '\u001b[B\r' }] };
    const answering = (answer: string) => setup([tapping('a', 'login.question', () => answer)]).calls;
    await expect(answering('Europe').loginQuestion(choice, context)).resolves.toBe('Europe');
    await expect(answering('Asia').loginQuestion(choice, context)).rejects.toMatchObject({ code: 'PLUGIN_FAILED' });
  });
});

it('a tap may pass by returning undefined, or nothing, whatever the kind of hook', async () => {
  const passing: Plugin = {
    name: 'passing',
    apply: ({ hooks }) => {
      hooks['machine.plan'].tap('passing', () => undefined);
      hooks['network.plan'].tapPromise('passing', async () => {});
      hooks['login.url'].tap('passing', () => {});
      hooks['prompt.event'].tap('passing', () => undefined);
      hooks['machine.started'].tap('passing', async () => {});
    },
  };
  const { calls } = setup([passing]);
  expect(await calls.machinePlan(machinePlan, context)).toEqual(machinePlan);
  expect(await calls.networkPlan(networkPlan, context)).toEqual(networkPlan);
  expect(await calls.loginUrl(url, context)).toBeUndefined();
  expect(calls.promptEvent(textEvent, view)).toEqual(textEvent);
});

describe('secret questions', () => {
  it('reach no plugin, neither taps nor interceptors', async () => {
    const heard: string[] = [];
    const eavesdropper: Plugin = {
      name: 'eavesdropper',
      apply: ({ hooks }) => {
        hooks['login.question'].tap('eavesdropper', () => {
          heard.push('tap');
          return 'x';
        });
        hooks['login.question'].intercept({ call: () => void heard.push('intercept') });
      },
    };
    const { calls } = setup([eavesdropper]);
    await expect(calls.loginQuestion({ ...prompt, secret: true }, context)).resolves.toBeUndefined();
    expect(heard).toEqual([]);
    await calls.loginQuestion(prompt, context);
    expect(heard).toEqual(['intercept', 'tap']);
  });
});

describe('stopping a machine', () => {
  it('collects what fails and goes on to the next plugin, also when the flow was cancelled', async () => {
    const seen: string[] = [];
    const { calls, errors, clock } = setup(
      [
        tapping('broken', 'machine.stopping', () => Promise.reject(new Error('x'))),
        tapping('slow', 'machine.stopping', () => new Promise(() => undefined)),
        tapping('good', 'machine.stopping', (...args) => void seen.push(String(args[2]))),
      ],
      { deadlines: { 'machine.stopping': 20 } },
    );
    const stopping = calls.machineStopping(machine, { ...context, signal: AbortSignal.abort() }, 'idle');
    await clock.advance(20);
    const failures = await stopping;
    expect(seen).toEqual(['idle']);
    expect(failures.map(({ code, details }) => [code, details['plugin']])).toEqual([
      ['PLUGIN_FAILED', 'broken'],
      ['PLUGIN_TIMED_OUT', 'slow'],
    ]);
    expect(errors).toEqual(failures);
  });
});

describe('listening to events', () => {
  it('never breaks the flow: neither by throwing nor by a promise that rejects', async () => {
    const seen: string[] = [];
    const { calls, errors } = setup([
      tapping('throws', 'event', () => {
        throw new Error('x');
      }),
      tapping('rejects', 'event', () => Promise.reject(new Error('y'))),
      tapping('good', 'event', () => void seen.push('good')),
    ]);
    calls.event(domainEvent);
    await setImmediate();
    expect(seen).toEqual(['good']);
    expect(errors.map(({ details }) => details['plugin'])).toEqual(['throws', 'rejects']);
  });
});

describe('applying plugins', () => {
  const noop = (name: string): Plugin => ({ name, apply: () => undefined });

  it.each([[['a', 'a']], [['']], [[' ']]])('refuses the names %j', (names) => {
    expect(() => setup(names.map(noop))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('names the plugin whose apply throws or is async', () => {
    const failing: Plugin = {
      name: 'failing',
      apply: () => {
        throw new Error('x');
      },
    };
    const later: Plugin = Object.assign({}, noop('later'), { apply: () => Promise.reject(new Error('x')) });
    for (const plugin of [failing, later]) {
      expect(() => setup([plugin])).toThrow(
        expect.objectContaining({ code: 'PLUGIN_FAILED', details: { plugin: plugin.name, hook: 'apply' } }),
      );
    }
  });

  it('freezes the hooks afterwards: a late tap or interceptor throws, and joins nothing', () => {
    const hosts: PluginHost[] = [];
    const sneaky: Plugin = { name: 'sneaky', apply: (host) => void hosts.push(host) };
    const { calls } = setup([sneaky]);
    const lateTap = (): void => hosts[0]?.hooks['prompt.event'].tap('sneaky', () => ({ type: 'text', text: 'late' }));
    const lateIntercept = (): void => hosts[0]?.hooks['machine.plan'].intercept({});
    const expected = { code: 'PLUGIN_FAILED', details: { plugin: 'sneaky', hook: 'prompt.event' } };
    expect(lateTap).toThrow(expect.objectContaining(expected));
    expect(lateIntercept).toThrow(expect.objectContaining({ code: 'PLUGIN_FAILED' }));
    expect(calls.promptEvent(textEvent, view)).toEqual(textEvent);
  });

  it('gives plugins nothing to call hooks with', () => {
    setup([
      {
        name: 'curious',
        apply: ({ hooks }) => {
          for (const name of hookNames) {
            const members = Object.keys(hooks[name]).toSorted();
            expect(members).toEqual(
              hookDefinitions[name].deadlineMs === null ? ['intercept', 'tap'] : ['intercept', 'tap', 'tapPromise'],
            );
          }
        },
      },
    ]);
    expect.assertions(12);
  });

  it('lets no interceptor exchange the taps of others, and reports one that throws', async () => {
    const exchanging: Plugin = {
      name: 'exchanging',
      apply: ({ hooks }) => hooks['machine.plan'].intercept({ register: (tap) => tap }),
    };
    expect(() => setup([exchanging])).toThrow(expect.objectContaining({ code: 'PLUGIN_FAILED' }));
    const throwing: Plugin = {
      name: 'throwing',
      apply: ({ hooks }) =>
        hooks['machine.plan'].intercept({
          call: () => {
            throw new Error('x');
          },
        }),
    };
    const { calls, errors } = setup([throwing]);
    await expect(calls.machinePlan(machinePlan, context)).resolves.toEqual(machinePlan);
    expect(errors).toMatchObject([{ code: 'PLUGIN_FAILED', details: { plugin: 'throwing' } }]);
  });
});
