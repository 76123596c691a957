import { SallyportError } from '@sallyport/core';
import { auditCursorUnknown } from '@sallyport/core/store';

/** SQLSTATEs that functions of the schema raise themselves. */
const superseded = 'SP001';
const portsExhausted = 'SP002';
const auditEntryUnknown = 'SP003';

const conflicts: ReadonlySet<string> = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '23505', // unique_violation
]);

/**
 * SQLSTATEs of a server that is going, coming, or full (PostgreSQL documentation, appendix A): connection exceptions,
 * operator intervention, insufficient resources, a former primary that takes no writes, and a session it has ended.
 * Or one that no longer lets this server in: its password or its database was changed.
 */
function isAway(state: string): boolean {
  return ['08', '57', '53', '28', '3D'].includes(state.slice(0, 2)) || state === '25006' || state === '25P03';
}

export const insufficientPrivilege = '42501';
const undefinedFunction = '42883';

/** What an SQLSTATE means to the caller of a store, whichever way it came. */
export function fromSqlState(state: string, cause: unknown): SallyportError {
  if (isAway(state)) return databaseUnreachable(cause);
  if (conflicts.has(state)) {
    return new SallyportError('STORE_CONFLICT', 'The record was changed in the meantime.', { cause });
  }
  if (state === superseded) {
    return new SallyportError('SERVER_SUPERSEDED', 'Another server has claimed this host ID on this database.', {
      cause,
    });
  }
  if (state === portsExhausted) {
    return new SallyportError('STORE_CONFLICT', 'Every egress port from 10001 to 65535 belongs to a user.', {
      hint: 'Delete users who no longer exist.',
      cause,
    });
  }
  if (state === auditEntryUnknown) return auditCursorUnknown(cause);
  if (state === insufficientPrivilege) {
    return new SallyportError('CONFIG_INVALID', 'The database does not let this role use the schema sallyport.', {
      hint: 'Use the owner of the schema, service_role or sallyport_server. If the role is new, run `select sallyport.settle_access()` as the owner.',
      cause,
    });
  }
  if (state === undefinedFunction) return functionMissing(cause);
  return new SallyportError('INTERNAL', `The database refused a statement (SQLSTATE ${state}).`, { cause });
}

export function functionMissing(cause: unknown): SallyportError {
  return new SallyportError('CONFIG_INVALID', 'The database does not have a function of this version of Sallyport.', {
    hint: "Apply the migrations: see `sallyport migrations`. If they have been applied, have PostgREST read the schema again: notify pgrst, 'reload schema'.",
    cause,
  });
}

export function databaseUnreachable(cause: unknown): SallyportError {
  return new SallyportError('STORE_UNAVAILABLE', 'The database does not answer.', { cause });
}
