import { asRecord, digest, nonEmpty, tryParseJson } from '@sallyport/core/provider';
import type { CredentialFacts, CredentialFiles, JsonRecord } from '@sallyport/core/provider';

/** What `auth.json` says about itself, in its present shape and in that of older versions. */
export function inspectCredential(files: CredentialFiles): CredentialFacts {
  const key = files['auth'] === undefined ? nonEmpty(files['api_key']) : undefined;
  if (key !== undefined) return { kind: 'api-key', blank: false, lineage: digest(key) };
  const auth = asRecord(tryParseJson(files['auth'] ?? ''));
  const tokens = asRecord(auth['tokens']);
  const apiKey = nonEmpty(auth['OPENAI_API_KEY']);
  // A plan login may carry an exchanged key too; only one without tokens is metered.
  if (auth['auth_mode'] === 'apikey' || (apiKey && Object.keys(tokens).length === 0)) {
    return { kind: 'api-key', blank: apiKey === undefined, ...(apiKey && { lineage: digest(apiKey) }) };
  }

  const identity = jwtClaims(tokens['id_token']);
  const access = jwtClaims(tokens['access_token']);
  const refreshToken = nonEmpty(tokens['refresh_token']);
  const account = accountLabel(identity ?? {}, tokens);
  const issuedAt = timeOf(auth['last_refresh']) ?? secondsOf(access?.['iat']);
  const accessExpiresAt = secondsOf(access?.['exp']);
  return {
    kind: 'plan',
    // With an identity token that does not decode, Codex prompts without any credential.
    blank: !identity || !nonEmpty(tokens['access_token']) || !refreshToken,
    ...(account !== undefined && { account }),
    ...(issuedAt !== undefined && { issuedAt }),
    ...(accessExpiresAt !== undefined && { accessExpiresAt }),
    ...(refreshToken && { lineage: digest(refreshToken) }),
  };
}

/** The later refresh wins, else the access token that ends later, else whichever arrived later. */
export function credentialSupersedes(next: CredentialFacts, old: CredentialFacts): boolean {
  if (next.kind !== old.kind) return true;
  for (const key of ['issuedAt', 'accessExpiresAt'] as const) {
    const [after, before] = [next[key], old[key]];
    if (after !== undefined && before !== undefined && after !== before) return after > before;
  }
  return next.lineage !== old.lineage;
}

function accountLabel(identity: JsonRecord, tokens: JsonRecord): string | undefined {
  const claims = asRecord(identity['https://api.openai.com/auth']);
  const name = nonEmpty(identity['email']) ?? nonEmpty(claims['chatgpt_account_id']) ?? nonEmpty(tokens['account_id']);
  const plan = nonEmpty(claims['chatgpt_plan_type']);
  return name !== undefined && plan !== undefined ? `${name} (${plan})` : name;
}

/** The payload of a JWT (RFC 7519 §7.2). Its signature is the vendor's business: nothing is decided by it. */
function jwtClaims(token: unknown): JsonRecord | undefined {
  const parts = nonEmpty(token)?.split('.') ?? [];
  if (parts.length !== 3) return undefined;
  const claims = asRecord(tryParseJson(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8')));
  return Object.keys(claims).length > 0 ? claims : undefined;
}

function timeOf(value: unknown): number | undefined {
  const time = Date.parse(nonEmpty(value) ?? '');
  return Number.isNaN(time) ? undefined : time;
}

function secondsOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? Math.round(value * 1000) : undefined;
}
