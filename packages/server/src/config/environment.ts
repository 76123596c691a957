import { resolve } from 'node:path';

import { z } from 'zod';

import { SallyportError, Secret } from '@sallyport/core';

import type { DatabaseChoice } from '../stores/database-choice.ts';
import { publicUrlSchema } from './origin-schema.ts';

/** What the environment says about this server; what is absent is left to the configuration. */
export interface ServerEnvironment {
  readonly port: number | undefined;
  readonly host: string | undefined;
  /** An origin; see `publicUrl` of the configuration. */
  readonly publicUrl: string | undefined;
  /** Absolute. Default `.sallyport/data` in the current directory. */
  readonly dataDirectory: string;
  readonly database: DatabaseChoice;
}

/**
 * Reads PORT, HOST, SALLYPORT_PUBLIC_URL, SALLYPORT_DATA_DIR, DATABASE_URL, SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY. An empty one counts as
 * absent. DATABASE_URL decides alone where it is set: a connection is faster than PostgREST.
 */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  currentDirectory: string,
): ServerEnvironment {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = environmentSchema.safeParse(given);
  if (!result.success) {
    // The values stay out of the message: some are secrets.
    const problems = result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new SallyportError('CONFIG_INVALID', `The environment is not valid: ${problems.join('; ')}.`, {
      hint: 'Correct or unset the named variable and start again.',
    });
  }
  const { PORT, HOST, SALLYPORT_PUBLIC_URL, SALLYPORT_DATA_DIR } = result.data;
  return {
    port: PORT,
    host: HOST,
    publicUrl: SALLYPORT_PUBLIC_URL,
    dataDirectory: resolve(currentDirectory, SALLYPORT_DATA_DIR ?? '.sallyport/data'),
    database: chooseDatabase(result.data),
  };
}

function chooseDatabase(variables: z.infer<typeof environmentSchema>): DatabaseChoice {
  const { DATABASE_URL, SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY } = variables;
  if (DATABASE_URL !== undefined) return { kind: 'postgres', url: new Secret(DATABASE_URL) };
  if (SUPABASE_URL === undefined) return { kind: 'embedded' };
  if (SUPABASE_SERVICE_ROLE_KEY === undefined) {
    throw new SallyportError('CONFIG_INVALID', 'SUPABASE_URL is set, but not SUPABASE_SERVICE_ROLE_KEY.', {
      hint: 'Set it to the key of service_role of that project, or set DATABASE_URL, or unset SUPABASE_URL.',
    });
  }
  return { kind: 'supabase', url: SUPABASE_URL, key: new Secret(SUPABASE_SERVICE_ROLE_KEY) };
}

const DATABASE_URL_EXAMPLE = 'must be a URL such as postgres://user:password@host:5432/database';

/** Not one whose password ends the host too early, so that a part of it would be taken for the port. */
function hasSoundAuthority(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, hostname } = new URL(url);
  return username !== '' || hostname === '' || !url.includes('@');
}

const environmentSchema = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port number')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be at most 65535')
    .optional(),
  HOST: z.string().optional(),
  SALLYPORT_PUBLIC_URL: publicUrlSchema.optional(),
  SALLYPORT_DATA_DIR: z
    .string()
    .refine((path) => !path.includes('\0'), 'must be a directory')
    .optional(),
  DATABASE_URL: z
    .string()
    .refine((url) => /^postgres(ql)?:\/\//.test(url), { abort: true, error: DATABASE_URL_EXAMPLE })
    .refine(hasSoundAuthority, {
      error: `${DATABASE_URL_EXAMPLE}, with special characters of the password percent-encoded: @ as %40, # as %23, / as %2F, ? as %3F`,
    })
    .optional(),
  SUPABASE_URL: z
    .string()
    .refine(
      (url) => /^https?:\/\//.test(url) && URL.canParse(url),
      'must be the URL of a project, such as https://abcdefgh.supabase.co',
    )
    .optional(),
  SUPABASE_SERVICE_ROLE_KEY: z.string().optional(),
});
