import type { JSONWebKeySet } from 'jose';
import { z } from 'zod';

import type { FetchKeys } from './key-set.ts';

const TIMEOUT_MS = 5_000;
const MOST_BYTES = 256 * 1024;

const keySetSchema: z.ZodType<JSONWebKeySet> = z.object({
  keys: z.array(z.looseObject({ kty: z.string() })).max(100),
});

/** Fetches the keys from their address. */
export function keysAt(url: string): FetchKeys {
  return async () => keySetSchema.parse(await fetchJson(url));
}

/** Asks the issuer where its keys are (OpenID Connect Discovery 1.0 §4), and fetches them. */
export function discoveredKeys(issuer: string): FetchKeys {
  return async () => {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const found = z.object({ issuer: z.string(), jwks_uri: z.url() }).parse(await fetchJson(url));
    // §4.3: else one service could answer for another.
    if (found.issuer !== issuer) throw new Error(`${url} is that of another issuer, ${found.issuer}.`);
    if (new URL(found.jwks_uri).protocol !== new URL(issuer).protocol)
      throw new Error(`${url} names an address of the keys that is not as secure as the issuer: ${found.jwks_uri}.`);
    return keySetSchema.parse(await fetchJson(found.jwks_uri));
  };
}

async function fetchJson(url: string): Promise<unknown> {
  const response = await fetch(url, {
    redirect: 'error',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.length > MOST_BYTES) throw new Error(`${url} answered with more than ${MOST_BYTES} characters.`);
  }
  return JSON.parse(text);
}
