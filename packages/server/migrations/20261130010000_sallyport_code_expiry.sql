-- When the code that a user types on the vendor's page ends; null where that is not known.
alter table sallyport.auth_sessions add column user_code_expires_at timestamptz;

-- As before, and keeps that.
create or replace function sallyport.update_session(
  p_session_id uuid, p_change jsonb, p_event text, p_audit jsonb default null, p_claim jsonb default null
) returns sallyport.session_update[]
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
      user_code = changed.user_code, user_code_expires_at = changed.user_code_expires_at,
      error_code = changed.error_code, error_message = changed.error_message, error_hint = changed.error_hint,
      updated_at = now()
    where session_id = p_session_id
    returning * into changed;
  insert into sallyport.auth_session_events (session_id, event) values (p_session_id, p_event::json)
    returning event_id into stored;
  perform sallyport.write_audit(p_audit);
  return array[row (changed, stored)::sallyport.session_update];
end $$;

select sallyport.settle_access();
