-- What a request with an Idempotency-Key has created, for a day: the same request again creates nothing more.
create table sallyport.idempotency_keys (
  user_id uuid not null,
  route text not null,
  key text not null check (length(key) between 1 and 128),
  body_sha256 text not null,
  -- Id of the prompt or login session.
  resource_id uuid not null,
  -- False while it is being created.
  completed boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (user_id, route, key)
);

create index idempotency_keys_created on sallyport.idempotency_keys (created_at);

alter table sallyport.idempotency_keys enable row level security;
