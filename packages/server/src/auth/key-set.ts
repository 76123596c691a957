import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import { createLocalJWKSet, errors } from 'jose';
import type { CryptoKey, FlattenedJWSInput, JSONWebKeySet, JWSHeaderParameters } from 'jose';

/** Fetches a JSON Web Key Set (RFC 7517 §5). Throws if the service does not answer with one. */
export type FetchKeys = () => Promise<JSONWebKeySet>;

/** Keys are fetched again in the background once they are this old, while those in hand are used. */
const REFRESH_MS = 5 * 60_000;
/** Without an answer for this long, nobody can tell a key that was withdrawn. */
const KEPT_MS = 10 * 60_000;
/** A token that names an unknown key costs one request to the sign-in service in this time, however many come. */
const UNKNOWN_KEY_MS = 60_000;
/** A service that does not answer is asked again no sooner. */
const RETRY_MS = 5_000;

export type KeyOf = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;

/**
 * Finds the key that a token names among those of a sign-in service. Throws `ACCESS_KEYS_UNAVAILABLE` if there are none and
 * the service does not answer, and `JWKSNoMatchingKey` if it has no such key.
 *
 * jose's own remote key set asks again for each unknown key of a service that does not answer, and reads the clock itself.
 */
export function createKeySet(issuer: string, fetchKeys: FetchKeys, clock: Clock): KeyOf {
  let found: { readonly keyOf: ReturnType<typeof createLocalJWKSet>; readonly at: number } | undefined;
  let asked: { readonly at: number; readonly answer: Promise<unknown> } | undefined;
  let failure: unknown;

  const age = (at: number): number => clock.monotonic() - at;

  /** One request at a time; `notWithin` keeps the next one that far from the last. */
  function refresh(notWithin: number): Promise<unknown> {
    if (asked && age(asked.at) < notWithin) return asked.answer;
    const at = clock.monotonic();
    const answer = load(at).catch((error: unknown) => {
      failure = error;
    });
    asked = { at, answer };
    return answer;
  }

  async function load(at: number): Promise<void> {
    found = { keyOf: createLocalJWKSet(await fetchKeys()), at };
  }

  async function keys(): Promise<ReturnType<typeof createLocalJWKSet>> {
    if (found && age(found.at) >= REFRESH_MS) void refresh(RETRY_MS);
    if (!found || age(found.at) >= KEPT_MS) await refresh(RETRY_MS);
    if (found && age(found.at) < KEPT_MS) return found.keyOf;
    throw new SallyportError('ACCESS_KEYS_UNAVAILABLE', `The keys of ${issuer} cannot be fetched.`, { cause: failure });
  }

  return async (header, token) => {
    try {
      return await (
        await keys()
      )(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await refresh(UNKNOWN_KEY_MS);
      return (await keys())(header, token);
    }
  };
}
