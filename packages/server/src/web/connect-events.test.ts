import { describe, expect, it } from 'vitest';

import type { LoginStatus } from './api.ts';
import { outcomeEvent } from './connect-events.ts';

const sessionId = '0b0e2f0a-8f0e-4b0e-9f59-1c2f0e6f3c11';

function ended(status: LoginStatus['status'], more: Partial<LoginStatus> = {}): LoginStatus {
  const empty: Partial<LoginStatus> = { errorCode: null, errorMessage: null, errorHint: null };
  return Object.assign(Object.create(null), { sessionId, status, ...empty, ...more });
}

describe('the event of a login that has ended', () => {
  it('tells which provider was connected', () => {
    expect(outcomeEvent('codex', ended('completed'))).toEqual({
      type: 'sallyport-connected',
      detail: { provider: 'codex', sessionId },
    });
  });

  it('tells a cancelled login from a failed one', () => {
    expect(outcomeEvent('codex', ended('cancelled', { errorCode: 'LOGIN_CANCELLED' }))).toEqual({
      type: 'sallyport-canceled',
      detail: { provider: 'codex', sessionId },
    });
  });

  it('says why a login has failed and what to do next', () => {
    const why = { errorCode: 'LOGIN_DENIED', errorMessage: 'The sign-in was refused.', errorHint: 'Start again.' };
    expect(outcomeEvent('codex', ended('failed', why))).toEqual({
      type: 'sallyport-failed',
      detail: {
        provider: 'codex',
        sessionId,
        code: 'LOGIN_DENIED',
        message: 'The sign-in was refused.',
        hint: 'Start again.',
      },
    });
    expect(outcomeEvent('codex', ended('failed')).detail).toMatchObject({
      code: null,
      message: 'The login failed.',
      hint: '',
    });
  });
});
