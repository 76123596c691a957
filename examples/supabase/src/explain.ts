import { SallyportError } from '@sallyport/client';

/** What to tell the user about something that failed. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isRefusedToken(error)) return `Your session is not accepted. Sign out and sign in again. (${error.message})`;
  return error instanceof SallyportError ? `${error.message} ${error.hint}` : error.message;
}

/** Sallyport answers 401, and PostgREST an error of the group PGRST3. */
function isRefusedToken(error: Error): boolean {
  if (error instanceof SallyportError) return error.status === 401;
  return 'code' in error && String(error.code).startsWith('PGRST3');
}
