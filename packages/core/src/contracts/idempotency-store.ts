/** How long the result of a request with an Idempotency-Key is remembered. */
export const IDEMPOTENCY_KEPT_MS = 24 * 60 * 60_000;

/** Whose key it is, and for which route. The same key elsewhere is another one. */
export interface IdempotencyScope {
  readonly userId: string;
  readonly route: string;
  readonly key: string;
}

export interface IdempotencyClaim {
  /** SHA-256 of the request's body, in hexadecimal digits. */
  readonly bodyHash: string;
  /** Id of what the request creates. Chosen before, so that it can be looked up if the server dies meanwhile. */
  readonly resourceId: string;
}

export interface IdempotencyRecord extends IdempotencyClaim {
  /** Whether the request has created it. */
  readonly isCompleted: boolean;
  /** Time since the claim, by the clock of the store. */
  readonly ageMs: number;
}

/** Remembers what requests with an Idempotency-Key have created, so that sending one again creates nothing more. */
export interface IdempotencyStore {
  /**
   * Claims a key. Returns `undefined` if it was free, or older than {@link IDEMPOTENCY_KEPT_MS}: the caller performs the
   * request. Otherwise returns what the key was claimed for. Of several callers at once, one gets the key.
   */
  claim(scope: IdempotencyScope, claim: IdempotencyClaim): Promise<IdempotencyRecord | undefined>;
  /** Notes that the request has created the resource. Does nothing if the key was claimed for another. */
  complete(scope: IdempotencyScope, resourceId: string): Promise<void>;
  /** Frees the key of a request that created nothing. Does nothing if the key was claimed for another resource. */
  release(scope: IdempotencyScope, resourceId: string): Promise<void>;
  /** Deletes the keys of a user. */
  erase(userId: string): Promise<void>;
  /** Deletes up to `limit` keys that are older than {@link IDEMPOTENCY_KEPT_MS}. Returns how many. */
  prune(limit: number): Promise<number>;
}
