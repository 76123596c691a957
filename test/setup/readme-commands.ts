import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

/** Each command a reader is told to type: lines indented by four blanks at the top of the README. */
export const readmeCommands = readme
  .split('\n## ')[0]
  ?.split('\n')
  .filter((line) => line.startsWith('    '))
  .map((line) => line.trim());
