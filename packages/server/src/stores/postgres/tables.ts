import type { ColumnType, GeneratedAlways, Generated } from 'kysely';

import type {
  CredentialFacts,
  InvalidReason,
  MachineRole,
  MachineState,
  PromptEvent,
  PromptStatus,
  SessionEvent,
  SessionRecord,
  SessionStatus,
} from '@sallyport/core';

/** The tables of `migrations/`, as kysely sees them. Columns that only an operator or a later driver sets are left out. */
export interface Tables {
  readonly users: UsersTable;
  readonly vms: MachinesTable;
  readonly auth_sessions: SessionsTable;
  readonly auth_session_events: JournalTable<SessionEvent> & { session_id: string };
  readonly provider_credentials: CredentialsTable;
  readonly provider_credential_versions: CredentialVersionsTable;
  readonly provider_credential_leases: LeasesTable;
  readonly prompts: PromptsTable;
  readonly prompt_events: JournalTable<PromptEvent> & { prompt_id: string };
  readonly audit_log: AuditTable;
  readonly servers: { host: string; epoch: number; heartbeat_at: Date | null };
  readonly idempotency_keys: IdempotencyKeysTable;
  readonly disabled_providers: { provider: string; created_at: SetByDefault };
}

/** Written as text (see `json.ts`), read parsed. */
type Json<Value> = ColumnType<Value, string, string>;
/** Set by the database alone. */
type SetByDefault = ColumnType<Date, never, Date>;

interface UsersTable {
  user_id: string;
  external_id: string | null;
  decodo_proxy_port: number;
  decodo_fixed_ip: Generated<string | null>;
  vm_id: Generated<string | null>;
  last_active: SetByDefault;
}

interface MachinesTable {
  vm_id: string;
  user_id: string;
  type: MachineRole;
  driver: string;
  host: string;
  vcpu_count: number;
  memory_mb: number;
  status: MachineState;
  epoch: Generated<number>;
  injected: ColumnType<Readonly<Record<string, number>>, never, string>;
  created_at: SetByDefault;
  destroyed_at: ColumnType<Date | null, never, Date | null>;
}

interface SessionsTable {
  session_id: string;
  user_id: string;
  host: string | null;
  provider: string;
  method: string;
  display: SessionRecord['display'];
  status: SessionStatus;
  phase: string;
  browser_vm_id: string | null;
  cli_vm_id: Generated<string | null>;
  auth_url: Generated<string | null>;
  user_code: Generated<string | null>;
  error_code: Generated<string | null>;
  error_message: Generated<string | null>;
  error_hint: Generated<string | null>;
  created_at: SetByDefault;
  updated_at: SetByDefault;
}

interface JournalTable<Event> {
  /** A bigint: text in the driver, a number in our records. */
  event_id: GeneratedAlways<string>;
  event: Json<Event>;
}

interface CredentialsTable {
  credential_id: string;
  user_id: string;
  provider: string;
  version: number;
  sha256: string;
  facts: Json<CredentialFacts>;
  encrypted_credentials: Uint8Array;
  encryption_iv: string;
  encryption_tag: string;
  encryption_salt: string | null;
  wrapped_key: Uint8Array;
  key_id: string;
  valid: Generated<boolean>;
  invalid_reason: InvalidReason | null;
  last_verified: ColumnType<Date | null, Date | null, Date | null>;
  /** A bigint: text in the driver. */
  warned_for: Generated<string | null>;
  created_at: SetByDefault;
  updated_at: SetByDefault;
}

interface CredentialVersionsTable {
  user_id: string;
  provider: string;
  version: number;
  credential_id: string;
  sha256: string;
  facts: Json<CredentialFacts>;
}

interface LeasesTable {
  user_id: string;
  provider: string;
  vm_id: string;
  disk_nonce: string | null;
}

interface PromptsTable {
  prompt_id: string;
  user_id: string;
  host: string | null;
  provider: string;
  conversation_id: string | null;
  status: PromptStatus;
  created_at: SetByDefault;
  ended_at: ColumnType<Date | null, never, Date>;
}

interface IdempotencyKeysTable {
  user_id: string;
  route: string;
  key: string;
  body_sha256: string;
  resource_id: string;
  completed: Generated<boolean>;
  /** Set by the database, also when an old key is claimed again. */
  created_at: SetByDefault;
}

interface AuditTable {
  audit_id: GeneratedAlways<string>;
  at: Date;
  type: string;
  user_id: string | null;
  data: Json<Readonly<Record<string, unknown>>>;
}
