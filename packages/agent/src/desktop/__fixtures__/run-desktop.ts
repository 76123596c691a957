/**
 * A process with a desktop, for the tests: started as root it becomes an ordinary user first (after loading its
 * modules, since the repository may lie where only root may enter). Takes its options as JSON in the first
 * argument, serves the viewer on a unix socket, and takes and reports one line of JSON at a time.
 */
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { startDesktop } from '../index.ts';

interface RunOptions {
  readonly user: number | undefined;
  readonly runtime: string;
  readonly viewerSocket: string;
  readonly proxyPort?: number;
  readonly certificateAuthority?: string;
}

const options: RunOptions = JSON.parse(process.argv[2] ?? '{}');
const report = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

if (options.user !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(options.user);
  process.setuid?.(options.user);
}
const abort = new AbortController();
try {
  const desktop = await startDesktop({
    runtime: options.runtime,
    size: { width: 800, height: 600 },
    proxyPort: options.proxyPort,
    certificateAuthority: options.certificateAuthority,
    signal: abort.signal,
    onExit: (error) => report({ type: 'exit', message: error.message }),
  });
  const server = createServer().on('upgrade', (...upgrade) => desktop.handleUpgrade(...upgrade));
  server.listen(options.viewerSocket, () => report({ type: 'ready', vncSocket: desktop.vncSocket }));

  for await (const line of createInterface({ input: process.stdin })) {
    const command: { readonly open?: string; readonly renew?: true; readonly stop?: true } = JSON.parse(line);
    if (command.open !== undefined) {
      await desktop.open(command.open).then(
        () => report({ type: 'opened' }),
        (error: Error) => report({ type: 'refused', message: error.message }),
      );
    }
    if (command.renew) {
      await desktop.renew();
      report({ type: 'renewed' });
    }
    if (command.stop) {
      await desktop.stop();
      report({ type: 'stopped' });
    }
  }
  abort.abort(new Error('the test is over'));
  await desktop.stop();
  server.close();
} catch (error) {
  report({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
}
