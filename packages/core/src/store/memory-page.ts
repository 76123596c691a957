import type { ListPage, ListPosition, ListQuery } from '../contracts/listing.ts';

/** A page of rows, in the order that the contract of lists names. */
export function memoryPage<Item extends { readonly createdAt: Date }>(
  rows: readonly Item[],
  idOf: (row: Item) => string,
  { limit, after }: Pick<ListQuery, 'limit' | 'after'>,
): ListPage<Item> {
  const placed = rows
    .map((row) => ({ row, position: { time: row.createdAt.toISOString().replace('Z', '000Z'), id: idOf(row) } }))
    .filter(({ position }) => after === undefined || compare(position, after) < 0)
    .toSorted((one, other) => compare(other.position, one.position));
  const page = placed.slice(0, limit);
  return {
    items: structuredClone(page.map(({ row }) => row)),
    next: placed.length > limit ? page.at(-1)?.position : undefined,
  };
}

/** Times are all as long as each other, so their order is that of their texts. */
function compare(one: ListPosition, other: ListPosition): number {
  const [left, right] = [one.time + one.id, other.time + other.id];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
