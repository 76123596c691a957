import { SallyportError } from '../base/errors.ts';
import type { AuditType } from './audit-types.ts';

/** One action, as it is written down. `data` never contains a secret. */
export interface NewAuditEntry {
  readonly at: Date;
  readonly type: AuditType;
  /** Whom it concerns; `null` if not a single user. */
  readonly userId: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An entry of the audit log. */
export interface AuditEntry extends Omit<NewAuditEntry, 'type'> {
  /** Decimal, unique in the store, and the cursor of {@link AuditQuery}. */
  readonly id: string;
  /** An {@link AuditType}, or a type of another release. */
  readonly type: string;
}

/** Which entries to list. What is absent does not restrict them. */
export interface AuditQuery {
  /** At most so many. */
  readonly limit: number;
  /** Id of an entry: the list goes on behind it. Default: begins with the newest. */
  readonly before?: string | undefined;
  readonly userId?: string | undefined;
  readonly type?: string | undefined;
  /** Only entries from this time on. */
  readonly since?: Date | undefined;
}

/** Who did what and when. Entries are added and read, and never changed or deleted, not even with their user. */
export interface AuditStore {
  append(entry: NewAuditEntry): Promise<void>;
  /**
   * Newest first; among entries of the same time, the one that was added last. Entries that are added meanwhile change
   * nothing in what follows a cursor. Throws `REQUEST_INVALID` if `before` is not the id of an entry.
   */
  list(query: AuditQuery): Promise<readonly AuditEntry[]>;
}

export function auditCursorUnknown(cause?: unknown): SallyportError {
  return new SallyportError('REQUEST_INVALID', 'The cursor is not one of this audit log.', {
    hint: 'Send the nextCursor of the page before as it is, or none for the newest entries.',
    cause,
  });
}
