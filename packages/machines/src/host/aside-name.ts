import { randomBytes } from 'node:crypto';

/** A new name for a directory that stands where a file should be. */
export function asideName(name: string): string {
  return `${name}.directory-${randomBytes(4).toString('hex')}`;
}
