import { supabase } from './services.ts';

/** Cells of a table, by column. */
type Row = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Reads the user's own rows straight from PostgREST. No condition names the user: row-level security returns nobody
 * else's rows.
 */
export async function readOwnRows(): Promise<Readonly<Record<string, readonly Row[]>>> {
  const tables = supabase.schema('sallyport');
  const newestFirst = { ascending: false };
  const [logins, prompts, machines, credentials] = await Promise.all([
    tables
      .from('auth_sessions')
      .select('session_id, provider, method, status, created_at')
      .order('created_at', newestFirst)
      .limit(20)
      .throwOnError(),
    tables
      .from('prompts')
      .select('prompt_id, provider, status, created_at')
      .order('created_at', newestFirst)
      .limit(20)
      .throwOnError(),
    tables
      .from('vms')
      .select('vm_id, type, status, created_at')
      .order('created_at', newestFirst)
      .limit(20)
      .throwOnError(),
    tables
      .from('provider_credentials')
      .select('credential_id, provider, kind, account, valid, last_verified')
      .order('created_at', newestFirst)
      .throwOnError(),
  ]);
  return { Logins: logins.data, Prompts: prompts.data, Machines: machines.data, Credentials: credentials.data };
}

/** Shows rows as a table with this caption. Text is set as text: part of it comes from outside. */
export function tableOf(caption: string, rows: readonly Row[]): HTMLTableElement {
  const table = document.createElement('table');
  table.createCaption().textContent = caption;
  for (const name of Object.keys(rows[0] ?? {})) {
    const cell = document.createElement('th');
    cell.textContent = name;
    (table.tHead?.rows[0] ?? table.createTHead().insertRow()).append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const value of Object.values(row)) line.insertCell().textContent = String(value ?? '');
  }
  return table;
}
