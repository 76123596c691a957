import { describe, it } from 'vitest';

import { expectOrderAfterKill } from '../support/killed-server.ts';

/** The other steps at which a server may be killed; the two hardest are in `machines/killed-server`. */
describe('a server that is killed', () => {
  it.each(['disk', 'place', 'process', 'ready', 'manifest'] as const)(
    'at the step "%s" leaves nothing that the next one does not take away',
    expectOrderAfterKill,
  );
});
