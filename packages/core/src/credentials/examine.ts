import type { Provider } from '../contracts/provider.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
import { secretSha256 } from './bundle.ts';
import { withoutByteOrderMark } from './file-text.ts';
import type { CredentialFacts, CredentialFiles } from '../contracts/credential-files.ts';
import { missingParts } from './missing-parts.ts';

/** The part of a provider that the ledger asks. */
export type LedgerProvider = Pick<Provider, 'inspect' | 'supersedes'> & {
  readonly manifest: Pick<ProviderManifest, 'title' | 'credentials'>;
};

export interface Examined {
  readonly files: CredentialFiles;
  readonly sha256: string;
  readonly facts: CredentialFacts;
  readonly missing: readonly { readonly item: string; readonly problem: string }[];
}

/** Keeps what the manifest names and nothing else: the offer comes from inside a machine. */
export function examine(provider: LedgerProvider, offered: CredentialFiles): Examined {
  const items = provider.manifest.credentials;
  const named = items.flatMap(({ id }): [string, string][] => {
    const text = offered[id];
    return text === undefined ? [] : [[id, withoutByteOrderMark(text)]];
  });
  const files = Object.fromEntries(named);
  const missing = missingParts(items, files);
  const onlyValues = items.every((item) => item.as === 'environment' || files[item.id] === undefined);
  const kind = onlyValues ? 'api-key' : 'plan';
  const sha256 = secretSha256(items, files);
  const rotating = items.some((item) => item.as === 'file' && item.rotates && files[item.id] !== undefined);
  const unchanging = rotating ? {} : ({ rotates: false } as const);
  const unknown: CredentialFacts = { kind, blank: false, ...unchanging };
  if (missing.length > 0 || !provider.inspect) return { files, sha256, facts: unknown, missing };
  try {
    return { files, sha256, facts: { ...boundFacts(provider.inspect(files)), ...unchanging }, missing };
  } catch {
    // What it says may quote the credential, so it goes no further.
    return {
      files,
      sha256,
      facts: unknown,
      missing: [{ item: 'credential', problem: 'not understood by its provider' }],
    };
  }
}

/** The largest time of ECMAScript, in milliseconds; no calendar has a later one. */
const LATEST = 8.64e15;
/** Longest name of an account, in characters: an email address has 254 at most (RFC 5321 §4.5.3.1), and the plan follows. */
const LONGEST_ACCOUNT = 320;

/** Without times that are not a moment, and with a name of bounded length: the file says what it likes. */
function boundFacts({ account, ...facts }: CredentialFacts): CredentialFacts {
  const isMoment = (value: unknown): boolean => typeof value !== 'number' || Math.abs(value) <= LATEST;
  const kept = Object.fromEntries(Object.entries(facts).filter(([, value]) => isMoment(value)));
  const named = account === undefined ? {} : { account: account.slice(0, LONGEST_ACCOUNT) };
  return { kind: facts.kind, blank: facts.blank, ...kept, ...named };
}
