import type { Read } from './retry.ts';

export interface ListOptions {
  /** Rows that one request asks for: 1 to 100. Default 20. Leave the loop to read no further. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal;
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** The rows of a list, in its order. The next page is asked for when the loop has come to it. */
export async function* list<Item>(
  read: Read,
  path: string,
  userId: string | undefined,
  { limit, signal }: ListOptions = {},
  more: Readonly<Record<string, string | undefined>> = {},
): AsyncGenerator<Item, void> {
  let cursor: string | undefined;
  do {
    const query = { ...more, userId, limit: limit?.toString(), cursor };
    const { items, nextCursor } = await read<Page<Item>>(path, { query, signal });
    yield* items;
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
}
