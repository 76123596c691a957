import {
  asRecord,
  finiteNumber,
  nonEmpty,
  tryParseJson,
  type CredentialFacts,
  type CredentialFiles,
} from '@sallyport/core/provider';

/** What the credential file says about itself. Of two, the one with the later `issuedAt` is the newer. */
export function inspect(files: CredentialFiles): CredentialFacts {
  const { account, refresh_token, issued_at } = asRecord(tryParseJson(files['auth'] ?? ''));
  const [name, issuedAt] = [nonEmpty(account), finiteNumber(issued_at)];
  return {
    kind: 'plan',
    blank: nonEmpty(refresh_token) === undefined,
    ...(name !== undefined && { account: name }),
    ...(issuedAt !== undefined && { issuedAt }),
  };
}
