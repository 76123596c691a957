/**
 * Remembers which stored credentials were written back over a file that a CLI had made unusable. Such a file does not
 * say what the provider thinks of the stored version. So the provider's refusal ends it only if the CLI ran with that
 * version, or after it was written back once. Kept in memory: after a restart, a credential gets one more try.
 */
export interface WriteBacks {
  note(userId: string, provider: string, version: number): void;
  has(userId: string, provider: string, version: number): boolean;
  /** The provider has accepted the credential. */
  forget(userId: string, provider: string): void;
}

export function createWriteBacks(): WriteBacks {
  const versions = new Map<string, number>();
  const keyOf = (userId: string, provider: string): string => JSON.stringify([userId, provider]);
  return {
    note: (userId, provider, version) => void versions.set(keyOf(userId, provider), version),
    has: (userId, provider, version) => versions.get(keyOf(userId, provider)) === version,
    forget: (userId, provider) => void versions.delete(keyOf(userId, provider)),
  };
}
