/** A row of a list: the list goes on behind it, also if the row is gone meanwhile. */
export interface ListPosition {
  /** When the row was created: ISO 8601 in UTC with six digits of a second, since databases count microseconds. */
  readonly time: string;
  /** Tells rows of the same time apart. */
  readonly id: string;
}

/** Which rows of a user to list. */
export interface ListQuery {
  readonly userId: string;
  /** At most so many. */
  readonly limit: number;
  /** Default: begins with the newest. */
  readonly after?: ListPosition | undefined;
}

/**
 * A part of a list, newest first. Rows of the same time are sorted by id. Rows that are added meanwhile change nothing in
 * what follows a position.
 */
export interface ListPage<Item> {
  readonly items: readonly Item[];
  /** The `after` of the next page; `undefined` if this is the last. */
  readonly next: ListPosition | undefined;
}
