-- The audit log takes new entries and gives them back. The server's role cannot change or delete one, and neither can the
-- owner before granting itself the right: nothing in Sallyport does, not even erasing a user. The entries hold ids alone.

drop index sallyport.audit_log_user;
create index audit_log_time on sallyport.audit_log (at, audit_id);
create index audit_log_user on sallyport.audit_log (user_id, at, audit_id);
create index audit_log_type on sallyport.audit_log (type, at, audit_id);

drop function sallyport.list_audit(integer);

-- Newest first; `p_before` is the id of the entry before the page. Raises SQLSTATE SP003 if there is no such entry.
create function sallyport.list_audit(
  p_limit integer, p_before bigint default null, p_user_id uuid default null, p_type text default null,
  p_since timestamptz default null
) returns sallyport.audit_log[]
  language plpgsql stable set search_path = ''
  -- One plan for every mix of conditions would read the whole log for each.
  set plan_cache_mode = force_custom_plan
as $$
declare
  before_at timestamptz;
begin
  if p_before is not null then
    select at into before_at from sallyport.audit_log where audit_id = p_before;
    if not found then
      raise exception 'There is no entry % in the audit log.', p_before using errcode = 'SP003';
    end if;
  end if;
  return array(
    select a from sallyport.audit_log a
    where (p_before is null or (at, audit_id) < (before_at, p_before))
      and (p_user_id is null or user_id = p_user_id)
      and (p_type is null or type = p_type)
      and (p_since is null or at >= p_since)
    order by at desc, audit_id desc
    limit p_limit
  );
end $$;

-- As before, but for the audit log, which is append-only.
create or replace function sallyport.settle_access() returns void
  language plpgsql set search_path = ''
as $$
declare
  target record;
  server name;
  owner name;
  own record;
begin
  revoke execute on all functions in schema sallyport from public;

  for target in
    select oid, relname as name from pg_class where relnamespace = 'sallyport'::regnamespace and relkind = 'r'
  loop
    execute format('alter table sallyport.%I enable row level security, force row level security', target.name);
    execute format('drop policy if exists owner_rows on sallyport.%I', target.name);
    -- Asks for the owner of this moment, so it survives `reassign owned`.
    execute format(
      'create policy owner_rows on sallyport.%I using (pg_has_role((select relowner from pg_catalog.pg_class where oid = %s), ''usage''))',
      target.name, target.oid
    );
  end loop;

  for server in select rolname from pg_roles where rolname in ('service_role', 'sallyport_server') loop
    execute format('grant usage on schema sallyport to %I', server);
    execute format('grant select, insert, update, delete on all tables in schema sallyport to %I', server);
    execute format('grant usage on all sequences in schema sallyport to %I', server);
    execute format('grant execute on all functions in schema sallyport to %I', server);
    execute format('revoke execute on function sallyport.settle_access() from %I', server);
    execute format('revoke insert, update, delete on sallyport.migrations from %I', server);
    -- Append-only. Supabase may have granted more by default.
    execute format('revoke update, delete, truncate, trigger, references on sallyport.audit_log from %I', server);
    for target in select relname as name from pg_class where relnamespace = 'sallyport'::regnamespace and relkind = 'r' loop
      execute format('drop policy if exists %I on sallyport.%I', server || '_rows', target.name);
      execute format(
        'create policy %I on sallyport.%I to %I using (true) with check (true)', server || '_rows', target.name, server
      );
    end loop;
  end loop;

  select rolname into owner from pg_roles
    where oid = (select relowner from pg_class where oid = 'sallyport.audit_log'::regclass);
  execute format('revoke update, delete, truncate on sallyport.audit_log from %I', owner);

  -- Supabase's sign-in, where there is one.
  if to_regprocedure('auth.uid()') is null or to_regrole('authenticated') is null then return; end if;
  grant usage on schema sallyport to authenticated;
  for own in
    select * from (values
      ('users', 'user_id, status, last_active, created_at', 'user_id = (select auth.uid())'),
      ('vms', 'vm_id, user_id, type, status, created_at, destroyed_at', 'user_id = (select auth.uid())'),
      (
        'auth_sessions',
        'session_id, user_id, provider, method, display, status, phase, auth_url, user_code, error_code, error_message, error_hint, created_at, updated_at',
        'user_id = (select auth.uid())'
      ),
      (
        'auth_session_events', 'event_id, session_id, event, created_at',
        'session_id in (select session_id from sallyport.auth_sessions where user_id = (select auth.uid()))'
      ),
      (
        'prompts', 'prompt_id, user_id, provider, conversation_id, status, created_at, ended_at',
        'user_id = (select auth.uid())'
      ),
      (
        'prompt_events', 'event_id, prompt_id, event, created_at',
        'prompt_id in (select prompt_id from sallyport.prompts where user_id = (select auth.uid()))'
      ),
      (
        'provider_credentials',
        'credential_id, user_id, provider, version, kind, account, valid, invalid_reason, last_verified, created_at, updated_at',
        'user_id = (select auth.uid())'
      )
    ) as readable (name, columns, condition)
  loop
    execute format('grant select (%s) on sallyport.%I to authenticated', own.columns, own.name);
    execute format('drop policy if exists own_rows on sallyport.%I', own.name);
    execute format('create policy own_rows on sallyport.%I for select to authenticated using (%s)', own.name, own.condition);
  end loop;
end $$;

select sallyport.settle_access();
