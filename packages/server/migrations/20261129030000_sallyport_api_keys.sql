-- Keys with which a product's backend, or the operator, calls the HTTP API. The secret part is nowhere, only its digest.
create table sallyport.api_keys (
  key_id text primary key check (key_id ~ '^[0-9a-f]{16}$'),
  name text not null check (length(name) between 1 and 100),
  role text not null check (role in ('service', 'admin')),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);

create function sallyport.create_api_key(
  p_key_id text, p_name text, p_role text, p_sha256 text, p_claim jsonb default null
) returns sallyport.api_keys[]
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  insert into sallyport.api_keys (key_id, name, role, sha256) values (p_key_id, p_name, p_role, p_sha256);
  return sallyport.get_api_key(p_key_id);
end $$;

create function sallyport.get_api_key(p_key_id text) returns sallyport.api_keys[]
  language sql stable set search_path = ''
as $$
  select array(select k from sallyport.api_keys k where key_id = p_key_id);
$$;

create function sallyport.list_api_keys() returns sallyport.api_keys[]
  language sql stable set search_path = ''
as $$
  select array(select k from sallyport.api_keys k order by created_at, key_id);
$$;

create function sallyport.note_api_key_use(p_key_id text, p_claim jsonb default null) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  update sallyport.api_keys set last_used_at = now() where key_id = p_key_id;
$$;

-- Returns false if there is no such key, or it was revoked before.
create function sallyport.revoke_api_key(p_key_id text, p_claim jsonb default null) returns boolean
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  update sallyport.api_keys set revoked_at = now() where key_id = p_key_id and revoked_at is null;
  return found;
end $$;

select sallyport.settle_access();
