import { Secret } from '@sallyport/core';
import { z } from 'zod';

import { isSecure } from './public-address.ts';

/** A sign-in service with OpenID Connect, whose tokens this server takes. */
export interface OidcSettings {
  readonly kind: 'oidc';
  /** As in the tokens' `iss`, for instance `https://login.example.com`. */
  readonly issuer: string;
  /** What the tokens' `aud` has to hold: the name that this service has for your product. */
  readonly audience: string | readonly string[];
  /** Where its keys are (JWKS). Default: what its `/.well-known/openid-configuration` says. */
  readonly keysUrl?: string | undefined;
}

/** Supabase Auth. Its users have the same ids here as in the project's own tables. */
export interface SupabaseSettings {
  readonly kind: 'supabase';
  /** Of the project, for instance `https://abcdefgh.supabase.co`. */
  readonly url: string;
  /** Only of projects that still sign with their JWT secret (HS256). */
  readonly jwtSecret?: string | undefined;
}

/** With every default filled in. */
export interface SignInSettings {
  readonly kind: 'oidc' | 'supabase';
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly keysUrl?: string | undefined;
  readonly jwtSecret?: Secret | undefined;
}

const serviceUrl = z.string().refine(isSecureUrl, 'must be an https URL without user, query and fragment');

const oidcSchema = z
  .strictObject({
    kind: z.literal('oidc'),
    issuer: serviceUrl,
    audience: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
    keysUrl: serviceUrl.optional(),
  })
  .transform(({ audience, ...rest }): SignInSettings => ({ ...rest, audience: [audience].flat() }));

const supabaseSchema = z
  .strictObject({
    kind: z.literal('supabase'),
    url: serviceUrl,
    jwtSecret: z.string().min(32, 'must have at least 32 characters').optional(),
  })
  .transform(({ kind, url, jwtSecret }): SignInSettings => {
    const issuer = `${url.replace(/\/$/, '')}/auth/v1`;
    const keysUrl = `${issuer}/.well-known/jwks.json`;
    return {
      kind,
      issuer,
      audience: ['authenticated'],
      keysUrl,
      jwtSecret: jwtSecret === undefined ? undefined : new Secret(jwtSecret),
    };
  });

export const signInSettingsSchema = z
  .array(z.union([oidcSchema, supabaseSchema]))
  .refine((all) => new Set(all.map(({ issuer }) => issuer)).size === all.length, 'must not name an issuer twice')
  .default([]);

/** Over plain HTTP, anybody on the way could put in other keys. */
function isSecureUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null && isSecure(url) && [url.username, url.password, url.search, url.hash].every((part) => part === '')
  );
}
