import type { Clock } from '@sallyport/core';
import type { Health } from '@sallyport/core/protocol';

import type { Route } from '../http/router.ts';

export function healthRoutes(clock: Clock, activeSessions: () => number): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/health',
      handle: (): Health => ({
        status: 'ok',
        timestamp: new Date(clock.now()).toISOString(),
        activeSessions: activeSessions(),
      }),
    },
  ];
}
