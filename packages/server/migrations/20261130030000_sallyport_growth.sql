-- Each login leaves the row of a destroyed machine. Nothing that repeats reads them, and they go with the history.
drop index sallyport.vms_user;
create index vms_user_present on sallyport.vms (user_id, created_at, vm_id) where status <> 'destroyed';
drop index sallyport.vms_host_present;
create index vms_host_present on sallyport.vms (host, created_at, vm_id) where status <> 'destroyed';
create index vms_destroyed on sallyport.vms (destroyed_at) where status = 'destroyed';

-- Oldest first, without those that are destroyed.
create or replace function sallyport.list_machines(p_user_id uuid default null, p_host text default null)
  returns sallyport.vms[]
  language plpgsql stable set search_path = ''
as $$
begin
  -- Two queries, so that each is planned for the index that serves it.
  if p_user_id is not null then
    return array(
      select m from sallyport.vms m
      where user_id = p_user_id and status <> 'destroyed' and (p_host is null or host = p_host)
      order by created_at, vm_id
    );
  end if;
  return array(
    select m from sallyport.vms m
    where status <> 'destroyed' and (p_host is null or host = p_host)
    order by created_at, vm_id
  );
end $$;

-- Deletes up to `p_limit` logins, prompts and destroyed machines each that ended at least this long ago. Returns how many.
create or replace function sallyport.prune_history(
  p_age_seconds double precision,
  p_limit integer,
  p_claim jsonb default null
) returns integer
  language plpgsql set search_path = ''
as $$
declare
  oldest constant timestamptz := now() - make_interval(secs => p_age_seconds);
  sessions integer;
  prompts integer;
  machines integer;
begin
  perform sallyport.check_claim(p_claim);
  -- Another server may be deleting the same rows: they need not be waited for.
  delete from sallyport.auth_sessions where session_id in (
    select session_id from sallyport.auth_sessions
    where status not in ('pending', 'ready', 'awaiting_user_auth') and updated_at <= oldest
    order by updated_at limit p_limit for update skip locked
  );
  get diagnostics sessions = row_count;
  delete from sallyport.prompts where prompt_id in (
    select prompt_id from sallyport.prompts
    where status <> 'running' and coalesce(ended_at, created_at) <= oldest
    order by coalesce(ended_at, created_at) limit p_limit for update skip locked
  );
  get diagnostics prompts = row_count;
  delete from sallyport.vms where vm_id in (
    select vm_id from sallyport.vms
    where status = 'destroyed' and destroyed_at <= oldest
    order by destroyed_at limit p_limit for update skip locked
  );
  get diagnostics machines = row_count;
  return sessions + prompts + machines;
end $$;

-- Valid credentials that end before this time, in milliseconds since 1970, and whose users were not warned of it.
create or replace function sallyport.list_credentials_ending(p_before numeric)
  returns sallyport.provider_credentials[]
  language sql stable set search_path = ''
as $$
  select array(
    select c from sallyport.provider_credentials c
    where valid and (facts ->> 'loginExpiresAt')::numeric < p_before
      and warned_for is distinct from (facts ->> 'loginExpiresAt')::numeric
  );
$$;

select sallyport.settle_access();
