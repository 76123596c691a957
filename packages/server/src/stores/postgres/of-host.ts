import { sql, type RawBuilder } from 'kysely';

/** Matches rows of one host, and those from before servers were told apart. Without a filter, matches every row. */
export function ofHost(filter: { readonly host: string } | undefined): RawBuilder<boolean> {
  return filter === undefined ? sql<boolean>`true` : sql<boolean>`(host is null or host = ${filter.host})`;
}
