import { describe, it } from 'vitest';

import { expectOrderAfterKill } from '../support/killed-server.ts';

/**
 * The two steps of a machine's life in QEMU after which it is hardest to put a host in order. `unrecorded`: everything that a
 * machine can have is there and in use, and no record tells of its process, which goes on with a token that nobody knows.
 * `state`: its processors stand still, so that it hears nothing any more, while QEMU waits for a socket of the dead
 * server to take the other half of a snapshot that must never be woken. `long/qemu-killed` holds the others.
 */
describe('a server that is killed', () => {
  it.each(['unrecorded', 'state'] as const)(
    'at the step "%s" leaves nothing that the next one does not take away',
    expectOrderAfterKill,
  );
});
