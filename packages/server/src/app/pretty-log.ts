import { legible } from '@sallyport/core';

/** Writes a line of the log, which is a JSON object, for a reader at a terminal: time, level, message, fields, cause. */
export function prettyLine(line: string): string {
  const { time, level, msg = '', err, pid: _pid, hostname: _hostname, ...fields } = Object(JSON.parse(line));
  const clock = new Date(time).toTimeString().slice(0, 8);
  const name = levels.find(([least]) => level >= least)?.[1] ?? '';
  const pairs = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined || value === null ? [] : [`${key}=${show(value)}`],
  );
  const cause = err === undefined ? [] : `${err.stack ?? err.message ?? ''}`.split('\n').map((text) => legible(text));
  const head = [clock, name, legible(String(msg)), ...pairs].filter((word) => word !== '').join(' ');
  return [head, ...cause.map((text) => `    ${text.trim()}`)].join('\n') + '\n';
}

/** From which level on a line is marked, and how; those of pino. Information is not. */
const levels = [
  [60, 'FATAL'],
  [50, 'ERROR'],
  [40, 'WARN'],
] as const;

/** What a terminal could obey, or take for another field, is quoted. */
function show(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w.:/@+-]+$/.test(text) ? text : legible(typeof value === 'string' ? JSON.stringify(value) : text);
}
