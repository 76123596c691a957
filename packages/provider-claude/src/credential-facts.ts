import { asRecord, digest, finiteNumber, nonEmpty, tryParseJson } from '@sallyport/core/provider';
import type { CredentialFacts, CredentialFiles, JsonRecord } from '@sallyport/core/provider';

/** What a login says about itself: the file of `auth login`, the token of `setup-token`, or an API key. */
export function inspectCredential(files: CredentialFiles): CredentialFacts {
  if (files['auth'] === undefined) {
    const [token, key] = [nonEmpty(files['token']), nonEmpty(files['api_key'])];
    if (token !== undefined) return { kind: 'plan', blank: false, lineage: digest(token) };
    if (key !== undefined) return { kind: 'api-key', blank: false, lineage: digest(key) };
  }
  const login = asRecord(asRecord(tryParseJson(files['auth'] ?? ''))['claudeAiOauth']);
  const refreshToken = nonEmpty(login['refreshToken']);
  const account = accountLabel(login, asRecord(tryParseJson(files['settings'] ?? '')));
  const accessExpiresAt = finiteNumber(login['expiresAt']);
  const loginExpiresAt = finiteNumber(login['refreshTokenExpiresAt']);
  return {
    kind: 'plan',
    blank: isBlank(login),
    ...(account !== undefined && { account }),
    ...(accessExpiresAt !== undefined && { accessExpiresAt }),
    ...(loginExpiresAt !== undefined && { loginExpiresAt }),
    ...(refreshToken !== undefined && { lineage: digest(refreshToken) }),
  };
}

/**
 * Every refresh gives a later end, so the later end is the newer file. Of two tokens without an end the one that
 * arrives later counts; a file never replaces a token or a key by itself, since it may lie on a disk from before.
 */
export function credentialSupersedes(next: CredentialFacts, old: CredentialFacts): boolean {
  if (next.kind !== old.kind) return false;
  const [after, before] = [next.accessExpiresAt, old.accessExpiresAt];
  if (after === undefined && before === undefined) return next.lineage !== old.lineage;
  return after !== undefined && before !== undefined && after > before;
}

/**
 * After a refused refresh the CLI leaves a file with empty tokens behind, and when the answer named no scope an
 * empty object. Without the inference scope it says "Not logged in" whatever else is there.
 */
function isBlank(login: JsonRecord): boolean {
  const scopes = login['scopes'];
  const mayPrompt = Array.isArray(scopes) && scopes.includes('user:inference');
  return !mayPrompt || !nonEmpty(login['accessToken']) || !nonEmpty(login['refreshToken']) || !login['expiresAt'];
}

function accountLabel(login: JsonRecord, settings: JsonRecord): string | undefined {
  const profile = asRecord(settings['oauthAccount']);
  const name = nonEmpty(profile['emailAddress']) ?? nonEmpty(login['accountUuid']);
  const plan = nonEmpty(login['subscriptionType']);
  return name !== undefined && plan !== undefined ? `${name} (${plan})` : name;
}
