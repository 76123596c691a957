import type { SallyportConnectEvents } from '@sallyport/client/element';

import type { LoginStatus } from './api.ts';

type Outcome = Omit<SallyportConnectEvents, 'sallyport-change'>;

/** An event of `<sallyport-connect>`, without the DOM. */
export type OutcomeEvent = {
  readonly [Type in keyof Outcome]: { readonly type: Type; readonly detail: Outcome[Type] };
}[keyof Outcome];

/** The event that tells how a login has ended. */
export function outcomeEvent(provider: string, status: LoginStatus): OutcomeEvent {
  const { sessionId } = status;
  if (status.status === 'completed') return { type: 'sallyport-connected', detail: { provider, sessionId } };
  if (status.status === 'cancelled') return { type: 'sallyport-canceled', detail: { provider, sessionId } };
  const { errorCode, errorMessage, errorHint } = status;
  return {
    type: 'sallyport-failed',
    detail: {
      provider,
      sessionId,
      code: errorCode,
      message: errorMessage ?? 'The login failed.',
      hint: errorHint ?? '',
    },
  };
}
