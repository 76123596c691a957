import { hookNames } from '@sallyport/core';
import { expect, it } from 'vitest';

import { recordHookOrder } from './hook-order.ts';
import type { Fired } from './hook-order.ts';

const hooksOf = (fired: readonly Fired[]): readonly string[] =>
  fired.flatMap(({ hook }) => (hook === 'event' ? [] : [hook]));

it('hooks fire in the order that docs/hooks.md prints', async () => {
  const { connecting, prompting, stopping } = await recordHookOrder();
  expect(hooksOf(connecting)).toEqual([
    'login.method',
    'network.plan',
    'machine.plan',
    'machine.started',
    'login.question',
    'login.url',
    'credential.captured',
    'machine.stopping',
  ]);
  expect(new Set(hooksOf(prompting))).toEqual(
    new Set(['prompt.event', 'prompt.plan', 'network.plan', 'machine.plan', 'credential.release', 'machine.started']),
  );
  expect(hooksOf(prompting).filter((hook) => hook !== 'prompt.event')).toEqual([
    'prompt.plan',
    'network.plan',
    'machine.plan',
    'credential.release',
    'machine.started',
  ]);
  expect(hooksOf(stopping)).toEqual(['machine.stopping']);
  // Every hook is in one of the flows.
  const fired = new Set([...connecting, ...prompting, ...stopping].map(({ hook }) => hook));
  expect([...fired].toSorted()).toEqual(hookNames.toSorted());
});

it('a credential is stored after its hook, and a machine is told to stop before it is gone', async () => {
  const { connecting, stopping } = await recordHookOrder();
  const at = (fired: readonly Fired[], name: string): number =>
    fired.findIndex(({ hook, event }) => name === (event ?? hook));
  expect(at(connecting, 'credential.stored')).toBeGreaterThan(at(connecting, 'credential.captured'));
  expect(at(connecting, 'machine.stopping')).toBeGreaterThan(at(connecting, 'credential.stored'));
  expect(at(connecting, 'machine.state destroyed')).toBeGreaterThan(at(connecting, 'machine.stopping'));
  expect(at(stopping, 'machine.state stopped')).toBeGreaterThan(at(stopping, 'machine.stopping'));
});
