/** For those who write a store: the contract in parts, and the store in memory. */
export { storableJson, storableText } from './base/storable.ts';
export { API_KEY_USE_NOTED_MS } from './contracts/api-key-store.ts';
export type { ApiKeyRecord, ApiKeyRole, ApiKeyStore } from './contracts/api-key-store.ts';
export { auditCursorUnknown } from './contracts/audit-store.ts';
export type { AuditEntry, AuditQuery, AuditStore, NewAuditEntry } from './contracts/audit-store.ts';
export { auditTypes, isAuditedByServer, isAuditType } from './contracts/audit-types.ts';
export type { AuditType, OperatorAction } from './contracts/audit-types.ts';
export type { ConnectLinkRecord, ConnectLinkStore, NewConnectLink } from './contracts/connect-link-store.ts';
export type { HistoryStore } from './contracts/history-store.ts';
export { IDEMPOTENCY_KEPT_MS } from './contracts/idempotency-store.ts';
export type {
  IdempotencyClaim,
  IdempotencyRecord,
  IdempotencyScope,
  IdempotencyStore,
} from './contracts/idempotency-store.ts';
export type { ListPage, ListPosition, ListQuery } from './contracts/listing.ts';
export { HEARTBEAT_FRESH_MS, serverSuperseded } from './contracts/server-store.ts';
export type { ServerRecord, ServerStore } from './contracts/server-store.ts';
export { FIRST_EPOCH, liveSessionStatuses } from './contracts/store.ts';
export type {
  ConversationRecord,
  CreatedPrompt,
  CredentialHolder,
  CredentialRecord,
  CredentialStore,
  JournalEntry,
  MachineRecord,
  MachineStore,
  NewCredentialVersion,
  NewPrompt,
  NewSession,
  PromptRecord,
  PromptStatus,
  PromptStore,
  ProviderSwitchStore,
  SessionChange,
  SessionRecord,
  SessionStore,
  Store,
  UserRecord,
  UserStore,
} from './contracts/store.ts';
export { createMemoryStore } from './store/memory-store.ts';
