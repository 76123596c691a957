import { SallyportError } from '@sallyport/core';

import { databaseUnreachable, functionMissing, fromSqlState } from './sql-state.ts';

/** What PostgREST or the gateway before it has answered. */
interface Refusal {
  /** An SQLSTATE; PostgREST's own code, such as PGRST106; or empty. */
  readonly code: string;
}

/**
 * What a failed request means to the caller. Never repeats the message: it can quote a row.
 *
 * @see https://docs.postgrest.org/en/v12/references/errors.html
 */
export function toStoreError({ code }: Refusal, status: number): SallyportError {
  const cause = { code, status };
  if (/^PGRST00\d$/.test(code)) return databaseUnreachable(cause);
  if (code === 'PGRST106') {
    return new SallyportError('CONFIG_INVALID', 'The Supabase project does not expose the schema sallyport.', {
      hint: 'Add sallyport to the exposed schemas: Project Settings, Data API (PostgREST: db-schemas).',
      cause,
    });
  }
  if (code === 'PGRST202') return functionMissing(cause);
  if (/^PGRST30\d$/.test(code) || (status === 401 && !isSqlState(code))) {
    return new SallyportError('CONFIG_INVALID', 'The Supabase project refuses SUPABASE_SERVICE_ROLE_KEY.', {
      hint: 'Take the key of service_role, or a secret key, from the API keys of the project that SUPABASE_URL names.',
      cause,
    });
  }
  if (isSqlState(code)) return fromSqlState(code, cause);
  // No answer, a gateway without a database behind it, or too many requests.
  if (status === 0 || status === 429 || status >= 500) return databaseUnreachable(cause);
  return new SallyportError('INTERNAL', `Supabase refused a request (HTTP ${status}, ${code || 'no code'}).`, {
    cause,
  });
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code);
}
