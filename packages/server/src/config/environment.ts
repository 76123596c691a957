import { resolve } from 'node:path';

import { z } from 'zod';

import { isLoopback, SallyportError } from '@sallyport/core';

import { loopbackOnly } from './loopback.ts';

/** What the environment says about this server; what is absent is left to the configuration. */
export interface ServerEnvironment {
  readonly port: number | undefined;
  readonly host: string | undefined;
  /** Absolute. Default `.sallyport/data` in the current directory. */
  readonly dataDirectory: string;
  /** A database of the operator's own; `undefined` means the embedded one. */
  readonly databaseUrl: string | undefined;
}

/** Reads PORT, HOST, SALLYPORT_DATA_DIR and DATABASE_URL. An empty one counts as absent. */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  currentDirectory: string,
): ServerEnvironment {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = environmentSchema.safeParse(given);
  if (!result.success) {
    // The values stay out of the message: DATABASE_URL holds a password.
    const problems = result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new SallyportError('CONFIG_INVALID', `The environment is not valid: ${problems.join('; ')}.`, {
      hint: 'Correct or unset the named variable and start again.',
    });
  }
  const { PORT, HOST, SALLYPORT_DATA_DIR, DATABASE_URL } = result.data;
  return {
    port: PORT,
    host: HOST,
    dataDirectory: resolve(currentDirectory, SALLYPORT_DATA_DIR ?? '.sallyport/data'),
    databaseUrl: DATABASE_URL,
  };
}

const environmentSchema = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port number')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be at most 65535')
    .optional(),
  HOST: z.string().refine(isLoopback, loopbackOnly).optional(),
  SALLYPORT_DATA_DIR: z
    .string()
    .refine((path) => !path.includes('\0'), 'must be a directory')
    .optional(),
  DATABASE_URL: z
    .string()
    .refine(
      (url) => /^postgres(ql)?:\/\//.test(url) && URL.canParse(url),
      'must be a URL such as postgres://user:password@host:5432/database',
    )
    .optional(),
});
