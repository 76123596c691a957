import { SallyportError } from '../base/errors.ts';
import type { KeyRing } from '../contracts/key-ring.ts';
import type { CredentialRecord, Store } from '../contracts/store.ts';

export interface RewrapOptions {
  readonly store: Pick<Store, 'credentials'>;
  /** Must wrap under `keyId`, and open what is under older keys. */
  readonly keyRing: Pick<KeyRing, 'rewrap'>;
  /** Id of the new master key. Ids sort by age: only credentials under ids before it are changed. */
  readonly keyId: string;
  /** Credentials read at once. Default 50, since each may have some hundred kilobytes. */
  readonly batch?: number;
  /** Called after each batch, with how many were rewrapped so far. */
  readonly onProgress?: (rewrapped: number) => void;
}

export interface RewrapResult {
  readonly rewrapped: number;
  /** These cannot be opened, and stay as they are. */
  readonly unreadable: readonly Pick<CredentialRecord, 'userId' | 'provider'>[];
}

/**
 * Wraps the data key of every stored credential under a newer master key, while servers go on using them. A credential
 * that changes meanwhile wins, and is looked at again. May end at any point: the next call goes on from there.
 */
export async function rewrapCredentials(options: RewrapOptions): Promise<RewrapResult> {
  let rewrapped = 0;
  for (;;) {
    const pass = await rewrapOnce(options, (count) => options.onProgress?.(rewrapped + count));
    rewrapped += pass.rewrapped;
    // What changed behind the pass may have been sealed under an older key again.
    if (pass.rewrapped === 0 && !pass.isOvertaken) return { rewrapped, unreadable: pass.unreadable };
  }
}

const BATCH = 50;

async function rewrapOnce(
  { store: { credentials }, keyRing, keyId, batch = BATCH }: RewrapOptions,
  onProgress: (rewrapped: number) => void,
): Promise<RewrapResult & { readonly isOvertaken: boolean }> {
  let rewrapped = 0;
  let isOvertaken = false;
  const unreadable: CredentialRecord[] = [];
  let last: CredentialRecord | undefined;
  for (;;) {
    const records = await credentials.underOlderKeys(keyId, batch, last);
    for (const record of records) {
      const outcome = await rewrapRecord(credentials, keyRing, record);
      if (outcome === 'rewrapped') rewrapped += 1;
      if (outcome === 'overtaken') isOvertaken = true;
      if (outcome === 'unreadable') unreadable.push(record);
    }
    last = records.at(-1);
    if (last === undefined) break;
    onProgress(rewrapped);
  }
  return { rewrapped, isOvertaken, unreadable: unreadable.map(({ userId, provider }) => ({ userId, provider })) };
}

async function rewrapRecord(
  credentials: Store['credentials'],
  keyRing: Pick<KeyRing, 'rewrap'>,
  record: CredentialRecord,
): Promise<'rewrapped' | 'overtaken' | 'unreadable'> {
  const { credentialId, userId, provider, version, sealed } = record;
  try {
    const next = await keyRing.rewrap(sealed, { recordId: credentialId, userId, provider, version });
    return (await credentials.rewrap(record, next)) ? 'rewrapped' : 'overtaken';
  } catch (error) {
    if (SallyportError.isInstance(error) && error.code === 'CREDENTIAL_UNREADABLE') return 'unreadable';
    throw error;
  }
}
