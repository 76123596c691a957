-- The tables of Sallyport, in a schema of their own. PostgreSQL 15 to 18; needs no extension.
--
-- Row-level security is on and there is no policy: whoever is neither the owner nor a role that bypasses row-level
-- security (Supabase's `service_role`) sees and changes nothing.
--
-- What belongs to one record (its journal, its older versions, its lease) points to it by a foreign key. Users, machines
-- and sessions refer to each other by id alone: intent rows are written before what they refer to exists, and an
-- embedding product may remove its users itself.

create schema if not exists sallyport;

create table sallyport.users (
  user_id uuid primary key,
  -- The name the embedding product knows the user by, when it was no UUID.
  external_id text,
  email text,
  -- Upstream port of a port-per-user proxy service. Belongs to one user at a time.
  decodo_proxy_port integer not null unique check (decodo_proxy_port between 10001 and 65535),
  decodo_fixed_ip text,
  -- The current CLI machine.
  vm_id text,
  vm_ip text,
  status text not null default 'active',
  last_active timestamptz not null default now(),
  created_at timestamptz not null default now()
);

create table sallyport.vms (
  vm_id text primary key,
  user_id uuid,
  type text not null check (type in ('browser', 'cli')),
  vm_type text,
  driver text not null,
  host text not null,
  vcpu_count integer not null,
  memory_mb integer not null,
  ip_address text,
  tap_device text,
  status text not null
    check (status in ('creating', 'running', 'stopping', 'stopped', 'hibernated', 'lost', 'destroyed')),
  firecracker_pid integer,
  socket_path text,
  -- Raised at each create, wake and fork; what an older epoch says is dropped.
  epoch integer not null default 0,
  -- Provider -> version of the credential that lies on the machine's disk.
  injected jsonb not null default '{}',
  created_at timestamptz not null default now(),
  destroyed_at timestamptz
);

create index vms_user on sallyport.vms (user_id);
create index vms_host_present on sallyport.vms (host) where status <> 'destroyed';

create table sallyport.auth_sessions (
  session_id uuid primary key,
  user_id uuid not null,
  provider text not null,
  method text not null,
  display text not null check (display in ('desktop', 'local', 'none')),
  status text not null
    check (status in ('pending', 'ready', 'awaiting_user_auth', 'completed', 'failed', 'cancelled')),
  -- Finer than the status.
  phase text not null,
  browser_vm_id text,
  cli_vm_id text,
  auth_url text,
  user_code text,
  error_code text,
  error_message text,
  error_hint text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- One login at a time for each user and provider.
create unique index auth_sessions_live on sallyport.auth_sessions (user_id, provider)
  where status in ('pending', 'ready', 'awaiting_user_auth');

create table sallyport.auth_session_events (
  -- Also the id by which the stream is resumed. Writers of one stream take turns, so it grows within the stream.
  event_id bigint generated always as identity primary key,
  session_id uuid not null references sallyport.auth_sessions on delete cascade,
  -- `json` and not `jsonb`, here and in prompt_events: jsonb refuses \u0000 and half surrogate pairs.
  event json not null,
  created_at timestamptz not null default now()
);

create index auth_session_events_stream on sallyport.auth_session_events (session_id, event_id);

-- The current version of each credential: the only row that holds its bytes.
create table sallyport.provider_credentials (
  credential_id uuid primary key,
  user_id uuid not null,
  provider text not null,
  version integer not null check (version > 0),
  -- Of the canonical bundle, in hex.
  sha256 text not null,
  facts jsonb not null,
  encrypted_credentials bytea not null,
  encryption_iv text not null,
  encryption_tag text not null,
  encryption_salt text,
  wrapped_key bytea not null,
  key_id text not null,
  valid boolean not null default true,
  last_verified timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, provider)
);

-- Every version there ever was, without its bytes: a refresh token is single-use, so an old one must never come back.
create table sallyport.provider_credential_versions (
  user_id uuid not null,
  provider text not null,
  version integer not null check (version > 0),
  credential_id uuid not null,
  sha256 text not null,
  facts jsonb not null,
  created_at timestamptz not null default now(),
  primary key (user_id, provider, version),
  foreign key (user_id, provider) references sallyport.provider_credentials (user_id, provider) on delete cascade
);

create index provider_credential_versions_hash on sallyport.provider_credential_versions (user_id, provider, sha256);

-- Which machine holds a credential, and so may refresh it.
create table sallyport.provider_credential_leases (
  user_id uuid not null,
  provider text not null,
  vm_id text not null,
  created_at timestamptz not null default now(),
  primary key (user_id, provider),
  foreign key (user_id, provider) references sallyport.provider_credentials (user_id, provider) on delete cascade
);

create table sallyport.prompts (
  prompt_id uuid primary key,
  user_id uuid not null,
  provider text not null,
  -- The CLI's own id of the conversation.
  conversation_id text,
  status text not null check (status in ('running', 'completed', 'failed', 'cancelled', 'relogin-needed')),
  created_at timestamptz not null default now(),
  ended_at timestamptz
);

create index prompts_running on sallyport.prompts (created_at) where status = 'running';

create table sallyport.prompt_events (
  event_id bigint generated always as identity primary key,
  prompt_id uuid not null references sallyport.prompts on delete cascade,
  event json not null,
  created_at timestamptz not null default now()
);

create index prompt_events_stream on sallyport.prompt_events (prompt_id, event_id);

create table sallyport.audit_log (
  audit_id bigint generated always as identity primary key,
  at timestamptz not null,
  type text not null,
  user_id uuid,
  data jsonb not null
);

create index audit_log_user on sallyport.audit_log (user_id, audit_id);

alter table sallyport.users enable row level security;
alter table sallyport.vms enable row level security;
alter table sallyport.auth_sessions enable row level security;
alter table sallyport.auth_session_events enable row level security;
alter table sallyport.provider_credentials enable row level security;
alter table sallyport.provider_credential_versions enable row level security;
alter table sallyport.provider_credential_leases enable row level security;
alter table sallyport.prompts enable row level security;
alter table sallyport.prompt_events enable row level security;
alter table sallyport.audit_log enable row level security;
