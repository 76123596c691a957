import { SallyportError } from '@sallyport/core';
import type { ClientConfig } from 'pg';

import { hasCode } from '../host/node-error.ts';
import { connect } from './routes/connect.ts';
import { insufficientPrivilege } from './routes/sql-state.ts';

export interface PruneAuditLog {
  readonly connection: ClientConfig;
  /** Entries from before this time are deleted. */
  readonly before: Date;
  readonly now: Date;
}

/** Deletes in small batches, so that nobody waits long for a lock. */
const BATCH = 1000;

/**
 * Deletes the older entries of the audit log and resolves to how many, after an entry that says so. The server's role cannot:
 * the owner of the table gives itself the right for each batch, and takes it back in the same transaction.
 */
export async function pruneAuditLog({ connection, before, now }: PruneAuditLog): Promise<number> {
  const client = await connect({ application_name: 'sallyport audit', ...connection });
  const deleteBatch = async (): Promise<number> => {
    await client.query('begin');
    await client.query('grant delete on sallyport.audit_log to current_user');
    const { rowCount } = await client.query(
      `delete from sallyport.audit_log where audit_id in (
         select audit_id from sallyport.audit_log where at < $1 order by at, audit_id limit $2
       )`,
      [before, BATCH],
    );
    await client.query('revoke delete on sallyport.audit_log from current_user');
    await client.query('commit');
    return rowCount ?? 0;
  };
  try {
    // Fails here where it may not, before the entry says that it has.
    await client.query('begin');
    await client.query('grant delete on sallyport.audit_log to current_user');
    await client.query('delete from sallyport.audit_log where false');
    await client.query('rollback');
    await client.query('insert into sallyport.audit_log (at, type, data) values ($1, $2, $3)', [
      now,
      'audit.pruned',
      { before: before.toISOString() },
    ]);
    let entries = 0;
    for (let deleted = await deleteBatch(); deleted > 0; deleted = await deleteBatch()) entries += deleted;
    return entries;
  } catch (cause) {
    if (hasCode(cause, insufficientPrivilege))
      throw new SallyportError('CONFIG_INVALID', 'This role cannot delete entries of the audit log.', {
        hint: 'Set DATABASE_URL to a connection as the owner of the schema sallyport.',
        cause,
      });
    throw cause;
  } finally {
    await client.end();
  }
}
