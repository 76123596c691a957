import { asRecord, digest, finiteNumber, nonEmpty, tryParseJson } from '@sallyport/core/provider';
import type { CredentialFacts, CredentialFiles, JsonRecord } from '@sallyport/core/provider';

/** What `oauth_creds.json` says about itself. It is Google's token response with `expires_in` made a moment. */
export function inspectCredential(files: CredentialFiles): CredentialFacts {
  const key = files['oauth_creds'] === undefined ? nonEmpty(files['api_key']) : undefined;
  if (key !== undefined) return { kind: 'api-key', blank: false, lineage: digest(key) };
  const tokens = asRecord(tryParseJson(files['oauth_creds'] ?? ''));
  const identity = jwtClaims(tokens['id_token']);
  const refreshToken = nonEmpty(tokens['refresh_token']);
  const account = nonEmpty(identity['email']);
  const issuedAt = finiteNumber(identity['iat']);
  const accessExpiresAt = finiteNumber(tokens['expiry_date']);
  return {
    kind: 'plan',
    blank: !nonEmpty(tokens['access_token']) || !refreshToken,
    ...(account !== undefined && { account }),
    ...(issuedAt !== undefined && { issuedAt: Math.round(issuedAt * 1000) }),
    ...(accessExpiresAt !== undefined && { accessExpiresAt }),
    ...(refreshToken && { lineage: digest(refreshToken) }),
  };
}

/**
 * The access token that ends later wins, else whichever login is another one. The identity token does not decide:
 * a refresh may come without one, and the CLI then drops the one it had.
 */
export function credentialSupersedes(next: CredentialFacts, old: CredentialFacts): boolean {
  const [after, before] = [next.accessExpiresAt, old.accessExpiresAt];
  if (after !== undefined && before !== undefined && after !== before) return after > before;
  return next.lineage !== old.lineage;
}

/** The payload of a JWT (RFC 7519 §7.2). Its signature is the vendor's business: nothing is decided by it. */
function jwtClaims(token: unknown): JsonRecord {
  const parts = nonEmpty(token)?.split('.') ?? [];
  if (parts.length !== 3) return {};
  return asRecord(tryParseJson(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8')));
}
