create function sallyport.append_audit(
  p_at timestamptz, p_type text, p_data jsonb, p_user_id uuid default null, p_claim jsonb default null
) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  insert into sallyport.audit_log (at, type, user_id, data) values (p_at, p_type, p_user_id, p_data);
$$;

-- Newest first.
create function sallyport.list_audit(p_limit integer) returns sallyport.audit_log[]
  language sql stable set search_path = ''
as $$
  select array(select a from sallyport.audit_log a order by audit_id desc limit p_limit);
$$;

create function sallyport.list_disabled_providers() returns text[]
  language sql stable set search_path = ''
as $$
  select array(select provider from sallyport.disabled_providers order by provider);
$$;

create function sallyport.set_provider_disabled(p_provider text, p_disabled boolean, p_claim jsonb default null)
  returns void
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  if p_disabled then
    insert into sallyport.disabled_providers (provider) values (p_provider) on conflict (provider) do nothing;
  else
    delete from sallyport.disabled_providers where provider = p_provider;
  end if;
end $$;

-- Answers if the database does.
create function sallyport.ping() returns boolean
  language sql stable set search_path = ''
as $$
  select true;
$$;

-- The migrations that this database has, by the history in this schema.
create function sallyport.list_migrations() returns sallyport.migrations[]
  language sql stable set search_path = ''
as $$
  select array(select m from sallyport.migrations m order by version);
$$;
