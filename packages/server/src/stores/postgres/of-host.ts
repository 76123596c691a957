import { sql, type RawBuilder } from 'kysely';

/** Matches rows of one host, and those from before servers were told apart. */
export function ofHost(host: string): RawBuilder<boolean> {
  return sql<boolean>`(host is null or host = ${host})`;
}
