import { expect, it } from 'vitest';

import { createRefusals, describeRefusal } from './egress-refusals.ts';

it('tells those who watch a machine each refused host once, and of a flood the first ten', () => {
  const refusals = createRefusals();
  const heard: string[] = [];
  {
    using _ = refusals.watch('m-one', (host, reason) => void heard.push(`${host} ${reason}`));
    refusals.tell('m-one', 'a.test', 'not-allowed');
    refusals.tell('m-one', 'a.test', 'not-allowed');
    refusals.tell('m-other', 'b.test', 'not-allowed');
    for (let index = 0; index < 50; index++) refusals.tell('m-one', `${index}.test`, 'not-public');
  }
  refusals.tell('m-one', 'late.test', 'not-allowed');
  expect(heard).toHaveLength(10);
  expect(heard.slice(0, 2)).toEqual(['a.test not-allowed', '0.test not-public']);
});

it('names the host and the setting, and repeats nothing that a machine could have invented to deceive', () => {
  expect(describeRefusal('sso.example.com', 'not-allowed', 'sign-in')).toBe(
    'The machine was not let through to sso.example.com, which is not among the allowed hosts. Where it is needed, the setting hosts.signIn allows it.',
  );
  expect(describeRefusal('x', 'not-allowed', 'work')).toContain('hosts.work');
  expect(describeRefusal('intranet.test', 'not-public', 'work')).toContain('not on the public internet');
  expect(describeRefusal('<b>\u{1b}[2J\nevil', 'not-public', 'work')).toContain('?b??[2J?evil');
});

it.each(['not-public', 'not-found', 'upstream', 'unreachable'] as const)(
  'says in one sentence, without a setting, that a connection failed: %s',
  (reason) => {
    const sentence = describeRefusal('api.example.com', reason, 'sign-in');
    expect(sentence).toMatch(/^The machine could not connect to api\.example\.com: [^.]+\.$/);
    expect(sentence).not.toMatch(/not among the allowed hosts|hosts\./);
  },
);

it('says nothing of what the browser of a machine asks for by itself', () => {
  const refusals = createRefusals();
  const heard: string[] = [];
  const watching = refusals.watch('m-one', (host) => void heard.push(host));
  for (const host of ['update.googleapis.com', 'sso.example.com']) refusals.tell('m-one', host, 'not-allowed');
  watching[Symbol.dispose]();
  expect(heard).toEqual(['sso.example.com']);
});
