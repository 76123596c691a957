-- Each operation of the store is one function here. The server calls them over a connection to PostgreSQL or through
-- PostgREST, so both behave alike. What a function returns passes PostgREST as one value: arrays of rows, because
-- PostgREST cuts sets of rows at its `db-max-rows` (1000 on Supabase) without a word.
--
-- Functions run with the caller's rights and with an empty search path. Arguments start with `p_`: in SQL a column
-- of the same name would silently win.

-- Refuses the write of a server whose host another one has claimed, with SQLSTATE SP001. `p_claim` is
-- {"host": text, "epoch": integer}; null, as from a command, is not checked.
--
-- The row stays locked until the write commits. `claim_server` waits for that, and heartbeats do not: so no write of an
-- older epoch commits after a newer claim.
create function sallyport.check_claim(p_claim jsonb) returns void
  language plpgsql set search_path = ''
as $$
begin
  if p_claim is null then return; end if;
  perform 1 from sallyport.servers
    where host = p_claim ->> 'host' and epoch = (p_claim ->> 'epoch')::integer
    for key share;
  if not found then
    raise exception 'Another server has claimed the host %.', p_claim ->> 'host' using errcode = 'SP001';
  end if;
end $$;

-- Returns the claim's epoch, and whether its heartbeat is younger than `p_fresh_seconds`, as an array of at most one row.
create type sallyport.server_state as (epoch integer, is_fresh boolean);

create function sallyport.get_server(p_host text, p_fresh_seconds double precision)
  returns sallyport.server_state[]
  language sql stable set search_path = ''
as $$
  select array(
    select row (epoch, coalesce(heartbeat_at > now() - make_interval(secs => p_fresh_seconds), false))::sallyport.server_state
    from sallyport.servers where host = p_host
  );
$$;

-- Claims the host with the epoch after `p_expected_epoch`; 0 means that it has no row. Returns false if the epoch is another.
create function sallyport.claim_server(p_host text, p_expected_epoch integer) returns boolean
  language plpgsql set search_path = ''
as $$
begin
  if p_expected_epoch = 0 then
    insert into sallyport.servers (host, epoch, heartbeat_at) values (p_host, 1, now()) on conflict (host) do nothing;
    return found;
  end if;
  -- Waits for writes under the old claim.
  perform 1 from sallyport.servers where host = p_host and epoch = p_expected_epoch for update;
  if not found then return false; end if;
  update sallyport.servers set epoch = p_expected_epoch + 1, heartbeat_at = now() where host = p_host;
  return true;
end $$;

-- Returns false if another server has claimed the host.
create function sallyport.beat_server(p_host text, p_epoch integer) returns boolean
  language plpgsql set search_path = ''
as $$
begin
  update sallyport.servers set heartbeat_at = now() where host = p_host and epoch = p_epoch;
  return found;
end $$;

-- Lets the next server claim the host at once.
create function sallyport.release_server(p_host text, p_epoch integer) returns void
  language sql set search_path = ''
as $$
  update sallyport.servers set heartbeat_at = null where host = p_host and epoch = p_epoch;
$$;
