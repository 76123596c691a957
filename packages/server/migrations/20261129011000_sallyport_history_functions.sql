-- Ended logins and prompts. Their events go with them, by foreign keys.

-- Deletes those of a user, with one provider or with all. Returns how many.
create function sallyport.erase_history(p_user_id uuid, p_provider text default null, p_claim jsonb default null)
  returns integer
  language plpgsql set search_path = ''
as $$
declare
  sessions integer;
  prompts integer;
begin
  perform sallyport.check_claim(p_claim);
  delete from sallyport.auth_sessions
    where user_id = p_user_id and status not in ('pending', 'ready', 'awaiting_user_auth')
      and (p_provider is null or provider = p_provider);
  get diagnostics sessions = row_count;
  delete from sallyport.prompts
    where user_id = p_user_id and status <> 'running' and (p_provider is null or provider = p_provider);
  get diagnostics prompts = row_count;
  return sessions + prompts;
end $$;

-- Deletes up to `p_limit` logins and as many prompts that ended at least this long ago. Returns how many.
create function sallyport.prune_history(p_age_seconds double precision, p_limit integer, p_claim jsonb default null)
  returns integer
  language plpgsql set search_path = ''
as $$
declare
  oldest constant timestamptz := now() - make_interval(secs => p_age_seconds);
  sessions integer;
  prompts integer;
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
  return sessions + prompts;
end $$;
