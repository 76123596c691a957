import { storableJson } from '@sallyport/core/store';
import type { NewAuditEntry } from '@sallyport/core/store';

/** The argument `p_audit` of a function that writes an entry along with its change; see the migration `fewer_statements`. */
export function auditArgument(entry: NewAuditEntry | undefined) {
  return { p_audit: entry === undefined ? null : storableJson({ ...entry, at: entry.at.toISOString() }) };
}
