-- What is one change is one transaction, so a server that is killed leaves all of it or nothing. A change and its entry in the
-- audit log are: the functions with `p_audit` are as before but for it. It is
-- {"at": text, "type": text, "userId": text, "data": object}, or null for no entry.

create function sallyport.write_audit(p_entry jsonb) returns void
  language sql set search_path = ''
as $$
  insert into sallyport.audit_log (at, type, user_id, data)
    select (p_entry ->> 'at')::timestamptz, p_entry ->> 'type', (p_entry ->> 'userId')::uuid, p_entry -> 'data'
    where p_entry is not null;
$$;

drop function sallyport.create_session(uuid, uuid, text, text, text, text, text, text, jsonb);

-- Returns the new session, or the live one of this user and provider that is in its way.
create function sallyport.create_session(
  p_session_id uuid, p_user_id uuid, p_host text, p_provider text, p_method text, p_display text, p_phase text,
  p_browser_vm_id text default null, p_audit jsonb default null, p_claim jsonb default null
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
    if found then
      perform sallyport.write_audit(p_audit);
      return array[created];
    end if;
    select * into rival from sallyport.auth_sessions
      where user_id = p_user_id and provider = p_provider and status in ('pending', 'ready', 'awaiting_user_auth');
    if found then return array[rival]; end if;
  end loop;
  raise exception 'Logins for % come and go too fast.', p_provider using errcode = 'serialization_failure';
end $$;

drop function sallyport.update_session(uuid, jsonb, text, jsonb);

-- Changes a live session and journals the event. `p_change` names columns: one that is absent stays as it is, null
-- clears it. Returns an empty array if there is no live session.
create function sallyport.update_session(
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
      user_code = changed.user_code, error_code = changed.error_code, error_message = changed.error_message,
      error_hint = changed.error_hint, updated_at = now()
    where session_id = p_session_id
    returning * into changed;
  insert into sallyport.auth_session_events (session_id, event) values (p_session_id, p_event::json)
    returning event_id into stored;
  perform sallyport.write_audit(p_audit);
  return array[row (changed, stored)::sallyport.session_update];
end $$;

drop function sallyport.create_prompt(uuid, uuid, text, text, text, text, jsonb);

create type sallyport.created_prompt as (prompt sallyport.prompts, event_id bigint);

create function sallyport.create_prompt(
  p_prompt_id uuid, p_user_id uuid, p_host text, p_provider text, p_first_event text,
  p_conversation_id text default null, p_audit jsonb default null, p_claim jsonb default null
) returns sallyport.created_prompt[]
  language plpgsql set search_path = ''
as $$
declare
  created sallyport.prompts;
  stored bigint;
begin
  perform sallyport.check_claim(p_claim);
  insert into sallyport.prompts (prompt_id, user_id, host, provider, conversation_id, status)
    values (p_prompt_id, p_user_id, p_host, p_provider, p_conversation_id, 'running')
    returning * into created;
  insert into sallyport.prompt_events (prompt_id, event) values (p_prompt_id, p_first_event::json)
    returning event_id into stored;
  perform sallyport.write_audit(p_audit);
  return array[row (created, stored)::sallyport.created_prompt];
end $$;

drop function sallyport.append_prompt_events(uuid, text[], text, jsonb);

-- Journals the events of a running prompt, of which an outcome makes the last the end. Returns their ids in the same
-- order; none if the prompt has ended, and null if there is no such prompt.
create function sallyport.append_prompt_events(
  p_prompt_id uuid, p_events text[], p_outcome text default null, p_audit jsonb default null, p_claim jsonb default null
) returns bigint[]
  language plpgsql set search_path = ''
as $$
declare
  current_status text;
  ids bigint[];
begin
  perform sallyport.check_claim(p_claim);
  -- Writers of one prompt take turns here, so ids grow in the order of the events and none follows the end.
  select status into current_status from sallyport.prompts where prompt_id = p_prompt_id for update;
  if not found then return null; end if;
  if current_status <> 'running' then return '{}'; end if;
  with added as (
    insert into sallyport.prompt_events (prompt_id, event)
    select p_prompt_id, given.event::json
    from unnest(p_events) with ordinality as given (event, place)
    order by place
    returning event_id
  )
  select array_agg(event_id order by event_id) into ids from added;
  if p_outcome is not null then
    update sallyport.prompts set status = p_outcome, ended_at = now() where prompt_id = p_prompt_id;
  end if;
  perform sallyport.write_audit(p_audit);
  return ids;
end $$;

drop function sallyport.update_machine(text, text, jsonb, jsonb);

-- Returns false if there is no such machine. What is null stays as it is.
create function sallyport.update_machine(
  p_vm_id text, p_status text default null, p_injected jsonb default null, p_audit jsonb default null,
  p_claim jsonb default null
) returns boolean
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  update sallyport.vms set
      status = coalesce(p_status, status), injected = coalesce(p_injected, injected),
      destroyed_at = case when p_status = 'destroyed' then coalesce(destroyed_at, now()) else destroyed_at end
    where vm_id = p_vm_id;
  if not found then return false; end if;
  perform sallyport.write_audit(p_audit);
  return true;
end $$;

-- Notes which version of a provider's credential is on a machine's disk; null: none is. `p_by_holder`: only if the machine holds
-- the lease.
create function sallyport.note_injected(
  p_vm_id text, p_provider text, p_by_holder boolean, p_version integer default null, p_claim jsonb default null
) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  update sallyport.vms as v set
      injected = case
        when p_version is null then injected - p_provider
        else injected || jsonb_build_object(p_provider, p_version)
      end
    where vm_id = p_vm_id and (
      not p_by_holder
      or exists (
        select from sallyport.provider_credential_leases as l
        where l.user_id = v.user_id and l.provider = p_provider and l.vm_id = p_vm_id
      )
    );
$$;

drop function sallyport.set_credential_verified(uuid, text, integer, jsonb);

-- The provider has just accepted the version that is noted for this machine.
create function sallyport.set_credential_verified(
  p_user_id uuid, p_provider text, p_vm_id text, p_claim jsonb default null
) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  update sallyport.provider_credentials set last_verified = now()
    where user_id = p_user_id and provider = p_provider
      and version = (select (injected ->> p_provider)::integer from sallyport.vms where vm_id = p_vm_id);
$$;

drop function sallyport.append_credential(
  integer, uuid, uuid, text, text, jsonb, bytea, text, text, bytea, text, boolean, boolean, text, jsonb
);

-- Stores the version after `p_expected_version`; 0 means that there is none. Returns an empty array if the stored
-- version is another one. Bytes are given in PostgreSQL's hex format: `\x` and two digits for each.
create function sallyport.append_credential(
  p_expected_version integer, p_credential_id uuid, p_user_id uuid, p_provider text, p_sha256 text, p_facts jsonb,
  p_encrypted_credentials bytea, p_encryption_iv text, p_encryption_tag text, p_wrapped_key bytea, p_key_id text,
  p_valid boolean, p_verified boolean, p_encryption_salt text default null, p_audit jsonb default null,
  p_claim jsonb default null
) returns sallyport.provider_credentials[]
  language plpgsql set search_path = ''
as $$
declare
  stored sallyport.provider_credentials;
begin
  perform sallyport.check_claim(p_claim);
  if p_expected_version = 0 then
    insert into sallyport.provider_credentials (
        credential_id, user_id, provider, version, sha256, facts, encrypted_credentials, encryption_iv, encryption_tag,
        encryption_salt, wrapped_key, key_id, valid, invalid_reason, last_verified
      ) values (
        p_credential_id, p_user_id, p_provider, 1, p_sha256, p_facts, p_encrypted_credentials, p_encryption_iv,
        p_encryption_tag, p_encryption_salt, p_wrapped_key, p_key_id, p_valid,
        case when not p_valid then 'refused' end, case when p_verified then now() end
      )
      on conflict do nothing
      returning * into stored;
  else
    update sallyport.provider_credentials set
        credential_id = p_credential_id, version = p_expected_version + 1, sha256 = p_sha256, facts = p_facts,
        encrypted_credentials = p_encrypted_credentials, encryption_iv = p_encryption_iv,
        encryption_tag = p_encryption_tag, encryption_salt = p_encryption_salt, wrapped_key = p_wrapped_key,
        key_id = p_key_id, valid = p_valid,
        -- A rotation of a login that has ended does not change why it has.
        invalid_reason = case when not p_valid then coalesce(invalid_reason, 'refused') end,
        last_verified = case when p_verified then now() end, updated_at = now()
      where user_id = p_user_id and provider = p_provider and version = p_expected_version
      returning * into stored;
  end if;
  if not found then return '{}'; end if;
  insert into sallyport.provider_credential_versions (user_id, provider, version, credential_id, sha256, facts)
    values (p_user_id, p_provider, stored.version, p_credential_id, p_sha256, p_facts);
  perform sallyport.write_audit(p_audit);
  return array[stored];
end $$;

drop function sallyport.set_credential_valid(uuid, text, boolean, text, jsonb);

create function sallyport.set_credential_valid(
  p_user_id uuid, p_provider text, p_valid boolean, p_reason text, p_audit jsonb default null, p_claim jsonb default null
) returns void
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  update sallyport.provider_credentials set
      valid = p_valid, invalid_reason = case when not p_valid then p_reason end,
      last_verified = case when p_valid then now() else last_verified end, updated_at = now()
    where user_id = p_user_id and provider = p_provider;
  if found then perform sallyport.write_audit(p_audit); end if;
end $$;

drop function sallyport.erase_credential(uuid, text, jsonb);

-- Deletes every version and the lease.
create function sallyport.erase_credential(
  p_user_id uuid, p_provider text, p_audit jsonb default null, p_claim jsonb default null
) returns void
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  delete from sallyport.provider_credentials where user_id = p_user_id and provider = p_provider;
  if found then perform sallyport.write_audit(p_audit); end if;
end $$;

drop function sallyport.erase_user(uuid, jsonb);

-- Deletes the user, with machines that are gone.
create function sallyport.erase_user(p_user_id uuid, p_audit jsonb default null, p_claim jsonb default null) returns void
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  delete from sallyport.vms where user_id = p_user_id and status in ('destroyed', 'lost');
  delete from sallyport.users where user_id = p_user_id;
  if found then perform sallyport.write_audit(p_audit); end if;
end $$;

select sallyport.settle_access();
