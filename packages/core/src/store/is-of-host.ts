/** Whether a row is of one host, or from before servers were told apart. Without a filter, every row is. */
export function isOfHost(
  row: { readonly host: string | null },
  filter: { readonly host: string } | undefined,
): boolean {
  return filter === undefined || row.host === null || row.host === filter.host;
}
