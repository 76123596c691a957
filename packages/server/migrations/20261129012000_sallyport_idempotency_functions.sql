-- What a key was claimed for; `age_ms` by the clock of the database, since clocks of hosts differ.
create type sallyport.claimed_key as (
  body_sha256 text, resource_id uuid, completed boolean, age_ms double precision
);

-- Claims a key that is free or was claimed at least `p_kept_seconds` ago. Returns an empty array if it did, else what the key
-- was claimed for. Of several callers at once, one gets the key.
create function sallyport.claim_idempotency_key(
  p_user_id uuid, p_route text, p_key text, p_body_sha256 text, p_resource_id uuid, p_kept_seconds double precision,
  p_claim jsonb default null
) returns sallyport.claimed_key[]
  language plpgsql set search_path = ''
as $$
declare
  oldest constant timestamptz := now() - make_interval(secs => p_kept_seconds);
  claimed sallyport.claimed_key;
begin
  perform sallyport.check_claim(p_claim);
  -- The key can be freed between the refused claim and the look at it; then the claim is tried again.
  for attempt in 1..3 loop
    insert into sallyport.idempotency_keys as existing (user_id, route, key, body_sha256, resource_id)
      values (p_user_id, p_route, p_key, p_body_sha256, p_resource_id)
      on conflict (user_id, route, key) do update set
        body_sha256 = excluded.body_sha256, resource_id = excluded.resource_id, completed = false, created_at = now()
        where existing.created_at <= oldest;
    if found then return '{}'; end if;
    select body_sha256, resource_id, completed, greatest(0, extract(epoch from now() - created_at) * 1000)
      into claimed
      from sallyport.idempotency_keys
      where user_id = p_user_id and route = p_route and key = p_key and created_at > oldest;
    if found then return array[claimed]; end if;
  end loop;
  raise exception 'Requests with this Idempotency-Key come and go too fast.' using errcode = 'serialization_failure';
end $$;

-- Notes that the request has created the resource, unless the key was claimed for another.
create function sallyport.complete_idempotency_key(
  p_user_id uuid, p_route text, p_key text, p_resource_id uuid, p_claim jsonb default null
) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  update sallyport.idempotency_keys set completed = true
    where user_id = p_user_id and route = p_route and key = p_key and resource_id = p_resource_id;
$$;

-- Frees the key of a request that created nothing, unless it was claimed for another resource.
create function sallyport.release_idempotency_key(
  p_user_id uuid, p_route text, p_key text, p_resource_id uuid, p_claim jsonb default null
) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  delete from sallyport.idempotency_keys
    where user_id = p_user_id and route = p_route and key = p_key and resource_id = p_resource_id;
$$;

create function sallyport.erase_idempotency_keys(p_user_id uuid, p_claim jsonb default null) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  delete from sallyport.idempotency_keys where user_id = p_user_id;
$$;

-- Deletes up to `p_limit` keys that were claimed at least `p_kept_seconds` ago. Returns how many.
create function sallyport.prune_idempotency_keys(
  p_kept_seconds double precision, p_limit integer, p_claim jsonb default null
) returns integer
  language plpgsql set search_path = ''
as $$
declare
  oldest constant timestamptz := now() - make_interval(secs => p_kept_seconds);
  gone integer;
begin
  perform sallyport.check_claim(p_claim);
  delete from sallyport.idempotency_keys where (user_id, route, key) in (
    select user_id, route, key from sallyport.idempotency_keys
    where created_at <= oldest order by created_at limit p_limit for update skip locked
  );
  get diagnostics gone = row_count;
  return gone;
end $$;
