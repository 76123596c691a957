import { answerRequestSchema, cancelRequestSchema, startLoginRequestSchema } from '@sallyport/core/protocol';

import type { Route } from '../http/router.ts';
import type { LoginRunner } from '../login/login-runner.ts';

export function authRoutes(logins: LoginRunner): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/auth/callback',
      handle: async ({ query, signal }) => {
        await logins.callback(query, signal);
        return { ok: true };
      },
    },
    {
      method: 'POST',
      path: '/auth/:provider',
      handle: async ({ parameter, body, signal }) =>
        logins.start(parameter('provider'), await body(startLoginRequestSchema), signal),
    },
    {
      method: 'POST',
      path: '/auth/:provider/answer',
      handle: async ({ parameter, body }) => {
        logins.answer(parameter('provider'), await body(answerRequestSchema));
        return { success: true };
      },
    },
    {
      method: 'POST',
      path: '/auth/:provider/cancel',
      handle: async ({ parameter, body }) => {
        await logins.cancel(parameter('provider'), (await body(cancelRequestSchema)).sessionId);
        return { success: true };
      },
    },
  ];
}
