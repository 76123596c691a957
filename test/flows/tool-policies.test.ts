import type { Plugin, ToolPolicy } from '@sallyport/core';
import { defaultSettings } from '@sallyport/core';
import { expect, it } from 'vitest';

import { connect, createWorld, outcomeOf, runPrompt } from './world.ts';

const allowing = (tools: ToolPolicy) => ({ ceiling: { ...defaultSettings.ceiling, tools } });
const choosing = (tools: ToolPolicy): Plugin => ({
  name: 'chooser',
  apply: ({ hooks }) => hooks['prompt.plan'].tap('chooser', (plan) => ({ ...plan, tools })),
});

async function noticesOf(tools: ToolPolicy | undefined, options: Parameters<typeof createWorld>[0]) {
  const world = createWorld(options);
  await connect(world);
  const events = await runPrompt(world, { tools });
  expect(outcomeOf(events)).toBe('completed');
  expect(events[0]?.type).toBe('prompt-start');
  return events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
}

it('a prompt that asks for more than the operator allows is told which tool policy it runs with', async () => {
  expect(await noticesOf('full', {})).toEqual([
    'The prompt asked for the tool policy `full`, but this server allows at most `workspace`: it runs with that.',
  ]);
  expect(await noticesOf('workspace', { settings: allowing('read-only') })).toEqual([
    'The prompt asked for the tool policy `workspace`, but this server allows at most `read-only`: it runs with that.',
  ]);
});

it('a prompt is told that a plugin chose another tool policy, and of the ceiling where that was lower still', async () => {
  expect(await noticesOf('workspace', { plugins: [choosing('read-only')] })).toEqual([
    'The prompt asked for the tool policy `workspace`, but a plugin of this server chose `read-only`: it runs with that.',
  ]);
  expect(await noticesOf('read-only', { plugins: [choosing('full')] })).toEqual([
    'The prompt asked for the tool policy `read-only`, but this server allows at most `workspace`: it runs with that.',
  ]);
});

it('a prompt that gets the tool policy it asked for, or asks for none, is told nothing', async () => {
  expect(await noticesOf('full', { settings: allowing('full') })).toEqual([]);
  expect(await noticesOf('read-only', {})).toEqual([]);
  expect(await noticesOf(undefined, { settings: allowing('read-only') })).toEqual([]);
});
