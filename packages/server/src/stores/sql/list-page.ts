import type { ListPage, ListPosition } from '@sallyport/core/store';

interface Listed<Row, Item> {
  /** At least one more than `limit` if there is another page. */
  readonly rows: readonly Row[] | null;
  readonly limit: number;
  readonly idOf: (row: Row) => string;
  readonly toRecord: (row: Row) => Item;
}

/** A page of the rows that a list function has returned. */
export function toListPage<Row extends { readonly created_at: string }, Item>({
  rows,
  limit,
  idOf,
  toRecord,
}: Listed<Row, Item>): ListPage<Item> {
  const page = (rows ?? []).slice(0, limit);
  const last = page.at(-1);
  const hasMore = (rows ?? []).length > limit && last !== undefined;
  return {
    items: page.map(toRecord),
    next: hasMore ? { time: toExactTime(last.created_at), id: idOf(last) } : undefined,
  };
}

/** The arguments that let a list function begin behind a position. */
export function toPositionArguments(after: ListPosition | undefined) {
  return { p_after_time: after?.time ?? null, p_after_id: after?.id ?? null };
}

/** PostgreSQL writes times in JSON with as many digits as they need, and in the time zone of the connection. */
function toExactTime(text: string): string {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  return `${new Date(text).toISOString().slice(0, 19)}.${fraction.padEnd(6, '0')}Z`;
}
