import type { Clock } from '@sallyport/core';

import type { Offers } from '../credentials/offers.ts';
import type { EventLog, LoggedEvent } from '../event-log.ts';
import type { Route } from '../http/router.ts';
import { openEventStream } from '../http/sse.ts';

/** A receiver that is this far behind is cut off; it comes back and resumes. */
const MOST_WAITING = 8 * 1024 * 1024;

export function eventRoutes(log: EventLog, offers: Offers, clock: Clock): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/events',
      handle: ({ request, response, signal }) => {
        const stream = openEventStream(response, clock, signal);
        const push = ({ id, event }: LoggedEvent): void => {
          if (stream.waiting > MOST_WAITING) response.destroy();
          else void stream.send(event, id);
        };
        const lastId = Number(request.headers['last-event-id'] ?? 0);
        const stop = log.subscribe(Number.isSafeInteger(lastId) && lastId > 0 ? lastId : 0, push);
        response.once('close', stop);
        for (const offer of offers.pending()) push(log.number(offer));
        return undefined;
      },
    },
  ];
}
