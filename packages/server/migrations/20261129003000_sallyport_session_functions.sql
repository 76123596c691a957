-- Returns the new session, or the live one of this user and provider that is in its way.
create function sallyport.create_session(
  p_session_id uuid, p_user_id uuid, p_host text, p_provider text, p_method text, p_display text, p_phase text,
  p_browser_vm_id text default null, p_claim jsonb default null
) returns sallyport.auth_sessions[]
  language plpgsql set search_path = ''
as $$
declare
  created sallyport.auth_sessions;
  rival sallyport.auth_sessions;
begin
  perform sallyport.check_claim(p_claim);
  -- A rival can end between the refused insert and the look at it; then there is room, and the insert is tried again.
  for attempt in 1..3 loop
    insert into sallyport.auth_sessions
        (session_id, user_id, host, provider, method, display, status, phase, browser_vm_id)
      values (p_session_id, p_user_id, p_host, p_provider, p_method, p_display, 'pending', p_phase, p_browser_vm_id)
      on conflict (user_id, provider) where status in ('pending', 'ready', 'awaiting_user_auth') do nothing
      returning * into created;
    if found then return array[created]; end if;
    select * into rival from sallyport.auth_sessions
      where user_id = p_user_id and provider = p_provider and status in ('pending', 'ready', 'awaiting_user_auth');
    if found then return array[rival]; end if;
  end loop;
  raise exception 'Logins for % come and go too fast.', p_provider using errcode = 'serialization_failure';
end $$;

create function sallyport.get_session(p_session_id uuid) returns sallyport.auth_sessions[]
  language sql stable set search_path = ''
as $$
  select array(select s from sallyport.auth_sessions s where session_id = p_session_id);
$$;

create type sallyport.session_update as (session sallyport.auth_sessions, event_id bigint);

-- Changes a live session and journals the event. `p_change` names columns: one that is absent stays as it is, null
-- clears it. Returns an empty array if there is no live session.
create function sallyport.update_session(p_session_id uuid, p_change jsonb, p_event text, p_claim jsonb default null)
  returns sallyport.session_update[]
  language plpgsql set search_path = ''
as $$
declare
  changed sallyport.auth_sessions;
  stored bigint;
begin
  perform sallyport.check_claim(p_claim);
  -- The row stays locked until the event is stored, so ids grow in the order of the changes.
  select * into changed from sallyport.auth_sessions
    where session_id = p_session_id and status in ('pending', 'ready', 'awaiting_user_auth')
    for update;
  if not found then return '{}'; end if;
  changed := jsonb_populate_record(
    changed,
    p_change - array['session_id', 'user_id', 'host', 'provider', 'created_at', 'updated_at']
  );
  update sallyport.auth_sessions set
      method = changed.method, display = changed.display, status = changed.status, phase = changed.phase,
      browser_vm_id = changed.browser_vm_id, cli_vm_id = changed.cli_vm_id, auth_url = changed.auth_url,
      user_code = changed.user_code, error_code = changed.error_code, error_message = changed.error_message,
      error_hint = changed.error_hint, updated_at = now()
    where session_id = p_session_id
    returning * into changed;
  insert into sallyport.auth_session_events (session_id, event) values (p_session_id, p_event::json)
    returning event_id into stored;
  return array[row (changed, stored)::sallyport.session_update];
end $$;

-- An event, with the id by which its stream is resumed. As text, since PostgREST takes values apart by an operator that refuses
-- \u0000 in JSON.
create type sallyport.journal_entry as (id bigint, event text);

create function sallyport.list_session_events(p_session_id uuid, p_after bigint) returns sallyport.journal_entry[]
  language sql stable set search_path = ''
as $$
  select array(
    select row (event_id, event::text)::sallyport.journal_entry from sallyport.auth_session_events
    where session_id = p_session_id and event_id > p_after
    order by event_id
  );
$$;

-- Oldest first. With a host: those of that host, and those from before servers were told apart.
create function sallyport.list_live_sessions(p_host text default null) returns sallyport.auth_sessions[]
  language sql stable set search_path = ''
as $$
  select array(
    select s from sallyport.auth_sessions s
    where status in ('pending', 'ready', 'awaiting_user_auth') and (p_host is null or host is null or host = p_host)
    order by created_at
  );
$$;
