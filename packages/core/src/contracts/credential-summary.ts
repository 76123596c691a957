import type { CredentialFacts } from './credential-files.ts';

/** A stored credential as plugins see it: everything except the bytes. */
export interface CredentialSummary {
  readonly provider: string;
  readonly version: number;
  readonly facts: CredentialFacts;
  readonly reason: 'login' | 'rotation' | 'harvest' | 'import';
}
