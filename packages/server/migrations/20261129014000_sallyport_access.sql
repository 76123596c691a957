-- Who may do what. Every table has row-level security, forced, so that even its owner sees nothing without a policy:
--
--   the owner, sallyport_server   every row (policies)
--   service_role of Supabase      every row (it bypasses row-level security)
--   authenticated of Supabase     the user's own rows, and of them the columns granted below; nothing is written
--   anon, everybody else          nothing

-- What a user may read of their credential, which lies in `facts` among what they may not.
alter table sallyport.provider_credentials
  add column kind text generated always as (facts ->> 'kind') stored,
  add column account text generated always as (facts ->> 'account') stored;

-- Settles the rights on every table and function of the schema. Every migration that adds one ends with a call; so does an
-- operator who creates one of the roles above later. PostgreSQL lets everybody execute a new function, and a default for one
-- schema cannot revoke that.
create function sallyport.settle_access() returns void
  language plpgsql set search_path = ''
as $$
declare
  target record;
  server name;
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
    for target in select relname as name from pg_class where relnamespace = 'sallyport'::regnamespace and relkind = 'r' loop
      execute format('drop policy if exists %I on sallyport.%I', server || '_rows', target.name);
      execute format(
        'create policy %I on sallyport.%I to %I using (true) with check (true)', server || '_rows', target.name, server
      );
    end loop;
  end loop;

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
