import type { DomainEvent } from './domain-event.ts';

/**
 * What operators and backends do, and no machine or user causes. Whatever does it writes the entry, because no server has to
 * run for it; a server that notices a switch only tells its plugins.
 */
export type OperatorAction =
  | 'api-key.created'
  | 'api-key.revoked'
  | 'audit.pruned'
  | 'master-key.rotation-started'
  | 'master-key.rotation-completed'
  | 'master-key.rotation-failed'
  | 'provider.disabled'
  | 'provider.enabled'
  | 'user-token.created';

/** The type of an entry in the audit log. */
export type AuditType = DomainEvent['type'] | OperatorAction;

/**
 * Every action that the audit log records, each with one entry. An action that fails has one too: of another type, or with
 * another `state` or `outcome`. A request that is refused before anything happens is not an action.
 */
export const auditTypes: Readonly<Record<AuditType, string>> = {
  'api-key.created': 'an API key was created: its id, role and name',
  'api-key.revoked': 'an API key was revoked',
  'audit.pruned': 'an operator deleted the entries from before a time',
  'credential.altered': 'a stored credential was changed in the database, and is not used',
  'credential.erase-failed': 'disconnecting a provider failed, and its credential may remain',
  'credential.erased': 'a provider was disconnected, and its credential deleted',
  'credential.expiring': 'a login ends within three days',
  'credential.import-failed': 'an imported credential was not stored',
  'credential.injected': 'a credential was put on a machine',
  'credential.invalid': 'the user has to log in again',
  'credential.rejected': 'a machine offered a credential that was not stored',
  'credential.stored': 'a credential was stored after a login, an import or a refresh',
  'credential.withheld': 'a machine runs without a credential',
  'egress.refused': 'a machine was refused a host',
  'host.cleared': 'leftovers of machines were removed from a host',
  'login.cancelled': 'a login was cancelled',
  'login.completed': 'a login was completed',
  'login.discarded': 'a held login was deleted: `other-user` returned with it, or it was `unclaimed`',
  'login.failed': 'a login failed: the error code',
  'login.held': 'a login worked, and waits for a backend to claim it',
  'login.phase': 'a login went on to its next phase',
  'login.started': 'a login was started: method, display and consent',
  'login.viewer': "a viewer of a login machine's screen came or went",
  'machine.action-failed': 'a request to hibernate, wake or destroy a machine failed',
  'machine.state': 'a machine was created or woken (`running`), stopped, hibernated, lost or destroyed',
  'master-key.rotation-completed': 'every credential was rewrapped',
  'master-key.rotation-failed': 'rewrapping the credentials failed',
  'master-key.rotation-started': 'rewrapping the credentials was started',
  'prompt.ended': 'a prompt ended: its outcome',
  'prompt.started': 'a prompt was started; `projectSettings` if it asked to use the settings of a project',
  'provider.disabled': 'an operator switched a provider off',
  'provider.enabled': 'an operator switched a provider on again',
  'server.superseded': 'another server claimed the name of a host',
  'user-token.created': 'a backend made a user token: scopes, page and end',
  'user.erase-failed': 'deleting a user failed, and has to be repeated',
  'user.erased': 'a user was deleted',
};

const operatorActions: ReadonlySet<string> = new Set<OperatorAction & DomainEvent['type']>([
  'provider.disabled',
  'provider.enabled',
]);

/** Whether a running server writes the entry for this event. Otherwise, the command that caused it has done so. */
export function isAuditedByServer(type: DomainEvent['type']): boolean {
  return !operatorActions.has(type);
}

/** Whether the audit log has entries of this type. */
export function isAuditType(type: string): type is AuditType {
  return Object.hasOwn(auditTypes, type);
}
