import { readFile } from 'node:fs/promises';
import { argv, stderr, stdin, stdout } from 'node:process';

import { SallyportError, systemClock } from '@sallyport/core';

import { recordLogin, recordLoginSchema } from './record-login.ts';

/**
 * The program behind `sallyport transcript record`: it has the terminal, which the server has not. Its only argument
 * is a file that says what to record. What is typed here is typed there; SIGTERM ends the recording.
 */

const over = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => over.abort());
try {
  const request = recordLoginSchema.parse(JSON.parse(await readFile(argv[2] ?? '', 'utf8')));
  const paths = await recordLogin(request, {
    keys: stdin,
    show: (bytes) => stdout.write(bytes),
    onTerminal: () => {
      if (stdin.isTTY) stdin.setRawMode(true);
    },
    onOpened: (url) => stderr.write(`\r\nThe CLI opens ${url}\r\n`),
    clock: systemClock,
    signal: over.signal,
  });
  stderr.write(`\r\nWrote ${paths.join(' and ')}. Look through what you publish.\r\n`);
} catch (error) {
  stderr.write(
    SallyportError.isInstance(error) ? `\r\n${error.message}\r\n${error.hint}\r\n` : `\r\n${String(error)}\r\n`,
  );
  process.exitCode = 1;
} finally {
  if (stdin.isTTY) stdin.setRawMode(false);
}
// Standard input may stay open for ever.
process.exit();
