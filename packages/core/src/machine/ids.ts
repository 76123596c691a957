import { randomBytes } from 'node:crypto';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** `m-` and 20 characters: 100 random bits, safe in file names, labels and host names. */
export function newMachineId(): string {
  return `m-${Array.from(randomBytes(20), (byte) => alphabet[byte & 31]).join('')}`;
}

/** In the place of a user's id in the plan of a machine that is nobody's, or not anybody's yet. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';
