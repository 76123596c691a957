import { SallyportError } from '@sallyport/core';
import { pino } from 'pino';
import type { Logger } from 'pino';

import { prettyLine } from './pretty-log.ts';

/** What the server tells the one who runs it. */
export interface OperatorLog {
  readonly log: Logger;
  /** A sentence for the operator: plain on a terminal, otherwise a line of the log. */
  readonly say: (sentence: string, level?: 'info' | 'warn') => void;
  /** The line that scripts wait for, on standard output as it is. */
  readonly announce: (line: string) => void;
}

/**
 * The log goes to standard error, so that standard output holds only what a user or a script waits for: lines for a
 * reader where that is a terminal, and otherwise one JSON object a line. `level` is LOG_LEVEL; default `info`. Throws
 * `CONFIG_INVALID` for a level that there is not.
 */
export function createOperatorLog(level: string | undefined): OperatorLog {
  const isTerminal = process.stderr.isTTY;
  const sink = isTerminal ? terminal : pino.destination(2);
  if ('on' in sink) sink.on('error', () => undefined);
  const log = pino({ level: checkLevel(level), redact }, sink);
  return {
    log,
    say: (sentence, weight = 'info') => (isTerminal ? console.log(sentence) : log[weight](sentence)),
    announce: (line) => console.log(line),
  };
}

/** Not a destination of pino, which would try for ever at its end to write to a terminal that was closed. */
const terminal = { write: (line: string) => void process.stderr.write(prettyLine(line)) };

function checkLevel(asked: string | undefined): string {
  const level = asked || 'info';
  if (level === 'silent' || level in pino.levels.values) return level;
  throw new SallyportError('CONFIG_INVALID', `LOG_LEVEL is "${level}", which is not a valid level.`, {
    hint: `Use one of ${Object.keys(pino.levels.values).join(', ')}, silent.`,
  });
}

/** The second line of defence; the first is that secrets are `Secret`s. */
const redact = {
  paths: [
    '*.token',
    '*.access_token',
    '*.refresh_token',
    '*.id_token',
    '*.authorization',
    '*.cookie',
    'req.headers',
    '*.files',
    '*.prompt',
  ],
  censor: '[secret]',
};
