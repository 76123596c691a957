import { randomBytes } from 'node:crypto';

/**
 * A token with the claims a CLI reads. Nobody checks its signature (RFC 7515), so that segment carries the
 * canary as it is: a search for the canary finds the token wherever it leaks.
 */
export function mintJsonWebToken(canary: string, claims: Readonly<Record<string, unknown>>): string {
  const payload = { ...claims, jti: randomBytes(9).toString('hex') };
  return [encode({ alg: 'RS256', typ: 'JWT', kid: 'throw-away' }), encode(payload), paddedCanary(canary)].join('.');
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** Some decoders insist on whole groups of four and on zero bits at the end, which `A` gives. */
function paddedCanary(canary: string): string {
  return canary + 'A'.repeat((4 - (canary.length % 4)) % 4) + randomBytes(12).toString('base64url');
}
