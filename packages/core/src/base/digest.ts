import { createHash } from 'node:crypto';

/**
 * Sixteen hexadecimal digits that identify a text without revealing it. Provider packages may not import
 * `node:crypto`; they use this for the lineage of a refresh token.
 */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
