import { describe, expect, it } from 'vitest';

import { defaultCeiling } from './ceiling.ts';
import type { Ceiling } from './ceiling.ts';
import { clampMachinePlan, clampNetworkPlan, clampPromptPlan } from './clamp.ts';
import type { NetworkPlan } from '../contracts/egress.ts';
import type { PromptPlan } from './arguments.ts';
import type { MachinePlan } from '../contracts/plan.ts';

/** What an untyped plugin may return: anything. */
const anything = <Plan>(original: Plan, changes: Readonly<Record<string, unknown>>): Plan =>
  Object.assign({}, original, changes);

describe('clampMachinePlan', () => {
  const original: MachinePlan = {
    machineId: 'm-1',
    userId: 'u-1',
    role: 'browser',
    memoryMb: 1024,
    vcpus: 1,
    diskMb: 2048,
    labels: { 'sallyport.user': 'u-1' },
    desktop: { width: 1280, height: 800 },
    agent: { directory: '/agent', entry: 'main.js', nodeArgs: [], node: '/usr/bin/node' },
    clis: [{ provider: 'codex', directory: '/clis/codex' }],
  };
  const clamp = (changes: Readonly<Record<string, unknown>>, ceiling = defaultCeiling): MachinePlan =>
    clampMachinePlan(original, anything(original, changes), ceiling);

  it('lets a plugin choose size, image, labels and screen within the ceiling', () => {
    const chosen = { memoryMb: 2048, vcpus: 2, diskMb: 4096, image: 'golden-2', desktop: { width: 1600, height: 900 } };
    expect(clamp({ ...chosen, labels: { team: 'red' } })).toEqual({
      ...original,
      ...chosen,
      labels: { team: 'red', 'sallyport.user': 'u-1' },
    });
  });

  it('cuts down what is above the ceiling, the original as well', () => {
    expect(clamp({ memoryMb: 1e9, vcpus: 64, diskMb: 1e9 })).toMatchObject({
      memoryMb: 4096,
      vcpus: 4,
      diskMb: 16_384,
    });
    expect(clamp({}, { ...defaultCeiling, maxMemoryMb: 512 }).memoryMb).toBe(512);
  });

  it.each([NaN, Infinity, -1, 0, '4096', null, undefined, {}])('keeps the size when a plugin returns %s', (size) => {
    expect(clamp({ memoryMb: size, vcpus: size, diskMb: size })).toEqual(original);
  });

  it('keeps whose machine it is, its role, its agent and its CLIs', () => {
    const changed = clamp({
      machineId: 'm-2',
      userId: 'u-2',
      role: 'cli',
      agent: { ...original.agent, directory: '/tmp/evil' },
      clis: [{ provider: 'codex', directory: '/etc' }],
      labels: { 'sallyport.user': 'u-2' },
      extra: true,
    });
    expect(changed).toEqual(original);
  });

  it.each(['../base', 'a/b', '', '-x', 5, null])('keeps the image when a plugin returns %j', (image) => {
    expect(clamp({ image })).toEqual(original);
  });

  it('drops labels that are not plain words', () => {
    expect(clamp({ labels: { 'a b': 'x', a: 1, ok: 'y', long: 'x'.repeat(256) } }).labels).toEqual({
      ok: 'y',
      'sallyport.user': 'u-1',
    });
    expect(clamp({ labels: null })).toEqual(original);
  });

  it('neither takes the desktop away nor gives one', () => {
    expect(clamp({ desktop: undefined })).toEqual(original);
    const { desktop: _desktop, ...plain } = original;
    expect(clampMachinePlan(plain, original, defaultCeiling)).toEqual(plain);
    expect(clamp({ desktop: { width: 1, height: 1e6 } }).desktop).toEqual({ width: 320, height: 2160 });
  });
});

describe('clampNetworkPlan', () => {
  const original: NetworkPlan = {
    machineId: 'm-1',
    userId: 'u-1',
    purpose: 'work',
    hosts: ['api.openai.com', '*.chatgpt.com'],
    identity: { userId: 'u-1', proxyPort: 10_001 },
  };
  const clamp = (hosts: unknown, limit: Ceiling['hosts'] = 'provider'): readonly string[] =>
    clampNetworkPlan(original, anything(original, { hosts }), { ...defaultCeiling, hosts: limit }).hosts;

  it.each<[string, unknown, readonly string[]]>([
    ['the same hosts', original.hosts, original.hosts],
    ['fewer hosts', ['api.openai.com'], ['api.openai.com']],
    ['no hosts', [], []],
    ['a name below a wildcard', ['ab.chatgpt.com'], ['ab.chatgpt.com']],
    ['a narrower wildcard', ['*.ab.chatgpt.com'], ['*.ab.chatgpt.com']],
    ['a wider wildcard', ['*.openai.com', '*.com'], ['api.openai.com']],
    ['the name above a wildcard', ['chatgpt.com'], []],
    ['other hosts', ['evil.example', 'api.openai.com.evil.example', 'xapi.openai.com'], []],
    ['everything', ['*'], original.hosts],
    ['malformed names', ['*.', '', '*.*.chatgpt.com', '**'], []],
    ['addresses', ['169.254.169.254', '[::1]', '127.0.0.1'], []],
    ['garbage', [null, 5, {}, 'a..chatgpt.com', 'A.chatgpt.com', 'x y.chatgpt.com', 'a/.chatgpt.com'], []],
    ['no list', 'api.openai.com', original.hosts],
    ['null', null, original.hosts],
  ])('cuts %s down to the hosts of the provider', (_, hosts, expected) => {
    expect(clamp(hosts)).toEqual(expected);
  });

  it("cuts everything down to the operator's list, the provider's own hosts as well", () => {
    expect(clamp(original.hosts, ['*.openai.com', 'proxy.example.com'])).toEqual(['api.openai.com']);
    expect(clamp(['proxy.example.com'], ['*.openai.com', 'proxy.example.com'])).toEqual(['proxy.example.com']);
  });

  it('leaves all public hosts where the operator allows them, and narrows them as any other', () => {
    const open = { ...original, hosts: ['api.openai.com', '*'] };
    const among = (hosts: unknown, limit: Ceiling['hosts'] = 'provider'): readonly string[] =>
      clampNetworkPlan(open, anything(open, { hosts }), { ...defaultCeiling, hosts: limit }).hosts;
    expect(among(open.hosts)).toEqual(['api.openai.com', '*']);
    expect(among(['registry.npmjs.org'])).toEqual(['registry.npmjs.org']);
    expect(among(['169.254.169.254', 'localhost'])).toEqual([]);
    expect(among(open.hosts, ['*.openai.com'])).toEqual(['api.openai.com', '*.openai.com']);
  });

  it('keeps machine, user, purpose and identity', () => {
    const changes = {
      machineId: 'm-2',
      userId: 'u-2',
      purpose: 'sign-in',
      identity: { userId: 'u-2', proxyPort: 10_002 },
    };
    expect(clampNetworkPlan(original, anything(original, changes), defaultCeiling)).toEqual(original);
  });
});

describe('clampPromptPlan', () => {
  const original: PromptPlan = {
    model: 'gpt-5',
    tools: 'read-only',
    projectSettings: 'ignore',
    workingDirectory: '~/work',
    timeoutMs: 60_000,
    maxOutputBytes: 1000,
  };
  const clamp = (changes: Readonly<Record<string, unknown>>): PromptPlan =>
    clampPromptPlan(original, anything(original, changes), defaultCeiling);

  it('lets a plugin choose within the ceiling', () => {
    const chosen: PromptPlan = { ...original, model: 'o4-mini', tools: 'workspace', workingDirectory: '~/work/a.b/c' };
    expect(clamp({ ...chosen })).toEqual(chosen);
    expect(clamp({ model: undefined })).toEqual({ ...original, model: undefined });
  });

  it('cuts tools and limits down to the ceiling', () => {
    expect(clamp({ tools: 'full', timeoutMs: 1e12, maxOutputBytes: 1e12 })).toMatchObject({
      tools: 'workspace',
      timeoutMs: 3_600_000,
      maxOutputBytes: 67_108_864,
    });
    expect(clampPromptPlan({ ...original, tools: 'full' }, original, { ...defaultCeiling, tools: 'full' }).tools).toBe(
      'read-only',
    );
  });

  it.each([
    ['use', 'use', 'use', 'use'],
    ['use', 'use', 'ignore', 'ignore'],
    ['use', 'ignore', 'use', 'ignore'],
    ['ignore', 'use', 'use', 'ignore'],
  ] as const)(
    'makes of project settings to %s, planned to %s, under a ceiling of %s: %s',
    (asked, planned, allowed, result) => {
      const prompt = { ...original, projectSettings: asked };
      const ceiling: Ceiling = { ...defaultCeiling, projectSettings: allowed };
      expect(clampPromptPlan(prompt, { ...prompt, projectSettings: planned }, ceiling).projectSettings).toBe(result);
    },
  );

  it.each<Readonly<Record<string, unknown>>>([
    { model: '--dangerously-bypass' },
    { model: 'a\nb' },
    { model: null },
    { model: '' },
    { projectSettings: 'use' },
    { projectSettings: 'some' },
    { projectSettings: undefined },
    { tools: 'everything' },
    { tools: null },
    { workingDirectory: '/etc' },
    { workingDirectory: '~/work/../.codex' },
    { workingDirectory: '~/.codex' },
    { workingDirectory: '~/work/' },
    { workingDirectory: 7 },
    { timeoutMs: NaN },
    { maxOutputBytes: '10' },
    { userId: 'u-2' },
  ])('keeps what the plan came with when a plugin returns %j', (changes) => {
    expect(clamp(changes)).toEqual(original);
  });
});
