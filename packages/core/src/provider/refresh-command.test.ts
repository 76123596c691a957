import { describe, expect, it } from 'vitest';

import { refreshCommandSchema } from './refresh-command.ts';

const request = { kind: 'request', method: 'account/read' };
const talk = {
  argv: ['app-server'],
  steps: [{ id: 'account', do: { ...request, params: { refreshToken: true } } }],
  over: [{ when: { pattern: '^account result$' } }],
  reloginNeeded: [{ text: 'refused' }],
};

describe('the command that refreshes a login', () => {
  it('is a command line with the meaning of its exit codes, or a talk over JSON-RPC', () => {
    const command = { argv: ['auth', 'refresh'], exits: { '0': 'ok', '1': 'not-logged-in' }, afterHours: 24 };
    expect(refreshCommandSchema.parse(command)).toEqual(command);
    expect(refreshCommandSchema.parse(talk)).toMatchObject({ argv: ['app-server'], steps: [{ id: 'account' }] });
  });

  it.each([
    [
      'is told a prompt',
      { ...talk, steps: [{ id: 'turn', do: { ...request, params: { text: { slot: 'prompt' } } } }] },
    ],
    ['would not know a refusal', { ...talk, reloginNeeded: [] }],
    ['never ends', { ...talk, over: [] }],
    ['says neither how it ends nor what to tell it', { argv: ['auth', 'refresh'] }],
  ])('is refused where it %s', (_, command) => {
    expect(refreshCommandSchema.safeParse(command).success).toBe(false);
  });
});
