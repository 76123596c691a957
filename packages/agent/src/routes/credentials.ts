import { SallyportError } from '@sallyport/core';
import { ackRequestSchema, captureRequestSchema, watchRequestSchema } from '@sallyport/core/protocol';
import type { Clock } from '@sallyport/core';
import type { BootConfig, CapturedCredential } from '@sallyport/core/protocol';

import { cliPlace } from '../cli/cli-place.ts';
import type { PlaceConfig } from '../cli/cli-place.ts';
import { readSecretOf, readSettledCredential } from '../credentials/credential-reading.ts';
import type { Offers } from '../credentials/offers.ts';
import type { Watches } from '../credentials/watches.ts';
import type { Route } from '../http/router.ts';
import { sendProblem } from '../http/problem.ts';
import type { LoginRunner } from '../login/login-runner.ts';

export function credentialRoutes(options: {
  readonly boot: PlaceConfig & Pick<BootConfig, 'role'>;
  readonly logins: LoginRunner;
  readonly offers: Offers;
  readonly watches: Watches;
  readonly clock: Clock;
}): readonly Route[] {
  const { boot, logins, offers, watches, clock } = options;
  return [
    {
      method: 'GET',
      path: '/credentials/status',
      handle: ({ query }) => logins.status(query.get('sessionId') ?? ''),
    },
    {
      method: 'POST',
      path: '/credentials/watch',
      handle: async ({ body }) => {
        const { provider, items } = await body(watchRequestSchema);
        await watches.watch(provider, items);
        return { success: true };
      },
    },
    {
      method: 'POST',
      path: '/credentials/ack',
      // Twice is not an error: the first answer may have got lost.
      handle: async ({ body }) => ({
        success: true,
        known: offers.acknowledge((await body(ackRequestSchema)).offerId),
      }),
    },
    {
      method: 'POST',
      path: '/credentials/capture',
      handle: async ({ body, response, signal }): Promise<CapturedCredential | undefined> => {
        const { provider, items } = await body(captureRequestSchema);
        const { home } = cliPlace(boot, provider);
        const place = { home, role: boot.role, items };
        const all = await readSettledCredential(place, clock, signal);
        const reading = await readSecretOf(place, all, clock, signal);
        if (reading.type === 'complete') return { files: reading.files };
        const why = reading.type === 'absent' ? 'there is none' : reading.problem;
        sendProblem(response, new SallyportError('CREDENTIAL_INCOMPLETE', `No credential of ${provider}: ${why}`), 404);
        return undefined;
      },
    },
  ];
}
