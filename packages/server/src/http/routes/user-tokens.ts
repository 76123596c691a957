import { SallyportError } from '@sallyport/core';
import { userTokenBodySchema, userTokenSchema } from '@sallyport/core/protocol';
import type { Clock } from '@sallyport/core';
import type { AuditStore, UserStore } from '@sallyport/core/store';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';

import { userOf } from '../../auth/caller.ts';
import { secureOrigin } from '../../auth/public-address.ts';
import type { PublicAddress } from '../../auth/public-address.ts';
import { signUserToken } from '../../auth/user-token.ts';
import type { TokenKeys } from '../../auth/user-token.ts';

export interface UserTokenRoutesOptions {
  /** `undefined` where no sign-in is configured. */
  readonly tokenKeys: TokenKeys | undefined;
  readonly users: Pick<UserStore, 'lastErasure'>;
  readonly address: PublicAddress;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly clock: Clock;
}

/** A backend makes short-lived tokens for its users, who then call the API themselves. */
export const userTokenRoutes: FastifyPluginAsyncZod<UserTokenRoutesOptions> = async (
  app,
  { tokenKeys, users, address, audit, clock },
) => {
  app.post(
    '/api/user-tokens',
    {
      config: { access: 'service' },
      schema: {
        operationId: 'createUserToken',
        tags: ['users'],
        summary: 'Make a token with which a user calls this API',
        body: userTokenBodySchema,
        response: { 201: userTokenSchema },
      },
    },
    async (request, reply) => {
      const { userId, scopes, origin, expiresIn } = request.body;
      if (!tokenKeys) {
        throw new SallyportError('ACCESS_DENIED', 'This server serves its operator alone: it takes no user tokens.', {
          hint: 'Set `auth` in the configuration; see docs/identity.md.',
        });
      }
      if (origin !== undefined) checkOrigin(origin, address);
      const user = userOf(request, userId);
      const signed = await signUserToken(
        { user, scopes, origin },
        { keys: tokenKeys, users, clock, expiresInSeconds: expiresIn },
      );
      const { token, expiresAt } = signed;
      const { caller } = request;
      // First: what could not be written down is not given out.
      await audit.append({
        at: new Date(clock.now()),
        type: 'user-token.created',
        userId: user.userId,
        data: {
          keyId: caller?.kind === 'api-key' ? caller.keyId : null,
          scopes,
          origin: origin ?? null,
          expiresAt: expiresAt.toISOString(),
        },
      });
      return reply.code(201).send({ token, userId: user.userId, expiresAt: expiresAt.toISOString() });
    },
  );
};

/** A token for a page that may not call this server would never work. */
function checkOrigin(origin: string, { origin: own, allowedOrigins }: PublicAddress): void {
  if (secureOrigin(origin) !== origin) {
    throw new SallyportError(
      'REQUEST_INVALID',
      'origin must be an origin, such as https://app.example.com; http only on loopback.',
      {
        hint: 'Send what `location.origin` is on the page: scheme, host and port, without a slash at the end.',
      },
    );
  }
  if (origin === own || allowedOrigins.includes(origin)) return;
  throw new SallyportError('REQUEST_INVALID', `Pages of ${origin} may not call this server.`, {
    hint: 'Add the origin to `allowedOrigins` in the configuration.',
  });
}
