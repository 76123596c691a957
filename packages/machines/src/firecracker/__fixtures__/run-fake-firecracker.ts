import { statSync } from 'node:fs';
import { cwd } from 'node:process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

// Not by the package's name: that would load all of it for each machine.
import { startFakeFirecracker } from '../../../../testkit/src/fake-firecracker/fake-firecracker.ts';
import { createFakeGuest } from './fake-guest.ts';
import type { FakeGuestComputer } from './fake-guest.ts';

const health = JSON.stringify({ status: 'ok', timestamp: '2026-11-24T00:00:00Z', activeSessions: 0 });
const HEALTHY = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${health.length}\r\nconnection: close\r\n\r\n${health}`;

/** The fake as a separate process, in a jail that is its working directory, with a guest whose agent is a real one. */
const { values } = parseArgs({
  options: {
    id: { type: 'string' },
    'start-time-us': { type: 'string' },
    'start-time-cpu-us': { type: 'string' },
    'api-sock': { type: 'string' },
    hollow: { type: 'boolean' },
  },
});
const guest = values.hollow === true ? hollowGuest() : createFakeGuest(cwd(), () => fake.reboot());
const fake = await startFakeFirecracker({
  socketPath: join(cwd(), values['api-sock'] ?? ''),
  root: cwd(),
  // As the jailer had it become.
  user: statSync('own.ext4').uid,
  guest: guest.listener,
  computer: guest,
  ...(values.id !== undefined && { id: values.id }),
});
const { code } = await fake.exited;
process.exit(code ?? 1);

/** Takes every connection, and does whatever it is told. */
function hollowGuest(): FakeGuestComputer {
  return {
    run: async () => {},
    freeze: async () => '',
    listener: () => (connection) => {
      connection.on('data', (chunk) => {
        if (chunk.includes('GET /health')) connection.end(HEALTHY);
        else connection.write('{"ok":true}\n');
        if (chunk.includes('"stop"')) fake.reboot();
      });
    },
  };
}
