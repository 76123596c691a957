import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { describe, expect, it } from 'vitest';

import { listenLocally } from '../__fixtures__/test-agent.ts';
import { listeningPorts } from './listening-ports.ts';

/** Listens until its input ends. */
const listen = (address: string): string => `
  process.stdin.resume().on('end', () => process.exit());
  const server = require('node:net').createServer().listen(0, '${address}', () => console.log(server.address().port));`;

describe.skipIf(process.platform !== 'linux')('the ports on which a process listens', () => {
  it.each(['127.0.0.1', '::1'])('are found on %s behind a process that only started it', async (address) => {
    const other = await listenLocally(() => {});
    // The shell stays, as a sandbox does, and the listener leads another session.
    const child = spawn('/bin/sh', ['-c', 'setsid "$0" -e "$1"; true', process.execPath, listen(address)]);
    try {
      const [printed]: Buffer[] = await once(child.stdout, 'data');
      expect([...(await listeningPorts(child.pid ?? 0))]).toEqual([Number(String(printed))]);
      expect(await listeningPorts(process.pid)).toContain(other.port);
    } finally {
      child.stdin.end();
      other.close();
    }
  });

  it('are none for a process that is gone', async () => {
    const child = spawn('true', { stdio: 'ignore' });
    await once(child, 'exit');
    expect([...(await listeningPorts(child.pid ?? 0))]).toEqual([]);
  });
});
