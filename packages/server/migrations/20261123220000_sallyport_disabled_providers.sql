-- Providers that an operator has switched off (`sallyport providers disable`). Every server on this database reads
-- it about once a second, so that a row takes effect at once wherever it is written.

create table sallyport.disabled_providers (
  provider text primary key,
  created_at timestamptz not null default now()
);

alter table sallyport.disabled_providers enable row level security;
