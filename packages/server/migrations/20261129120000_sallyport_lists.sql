-- Lists of a user's logins, prompts and conversations: newest first, read in pages. A page goes on behind the time and id of
-- the last row that was read, so rows that are added meanwhile move nothing.

-- These two do all that the ones of the user alone did.
drop index sallyport.auth_sessions_user;
drop index sallyport.prompts_user;
create index auth_sessions_listed on sallyport.auth_sessions (user_id, created_at, session_id);

-- Why a prompt did not complete. Null in rows from before.
alter table sallyport.prompts add column error_code text;

create index prompts_listed on sallyport.prompts (user_id, created_at, prompt_id);
create index prompts_conversation on sallyport.prompts (user_id, provider, conversation_id, created_at)
  where conversation_id is not null;

-- As before, and keeps the conversation and the error code that the events tell. Servers of the release before go on calling
-- it without them.
drop function sallyport.append_prompt_events(uuid, text[], text, jsonb, jsonb);
create function sallyport.append_prompt_events(
  p_prompt_id uuid, p_events text[], p_outcome text default null, p_error_code text default null,
  p_conversation_id text default null, p_audit jsonb default null, p_claim jsonb default null
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
  if p_conversation_id is not null then
    update sallyport.prompts set conversation_id = p_conversation_id
      where prompt_id = p_prompt_id and conversation_id is distinct from p_conversation_id;
  end if;
  if p_outcome is not null then
    update sallyport.prompts set status = p_outcome, error_code = p_error_code, ended_at = now()
      where prompt_id = p_prompt_id;
  end if;
  perform sallyport.write_audit(p_audit);
  return ids;
end $$;

create function sallyport.list_sessions(
  p_user_id uuid, p_limit integer, p_after_time timestamptz default null, p_after_id uuid default null
) returns sallyport.auth_sessions[]
  language sql stable set search_path = ''
as $$
  select array(
    select s from sallyport.auth_sessions s
    where user_id = p_user_id and (created_at, session_id) < (coalesce(p_after_time, 'infinity'), p_after_id)
    order by created_at desc, session_id desc
    limit p_limit
  );
$$;

create function sallyport.list_prompts(
  p_user_id uuid, p_limit integer, p_after_time timestamptz default null, p_after_id uuid default null
) returns sallyport.prompts[]
  language sql stable set search_path = ''
as $$
  select array(
    select p from sallyport.prompts p
    where user_id = p_user_id and (created_at, prompt_id) < (coalesce(p_after_time, 'infinity'), p_after_id)
    order by created_at desc, prompt_id desc
    limit p_limit
  );
$$;

create type sallyport.conversation as (
  provider text, conversation_id text, created_at timestamptz, last_prompt_at timestamptz, prompts integer
);

-- Sorted by their first prompt, which no later one changes.
create function sallyport.list_conversations(
  p_user_id uuid, p_limit integer, p_after_time timestamptz default null, p_after_id text default null
) returns sallyport.conversation[]
  language sql stable set search_path = ''
as $$
  select array(
    select row (provider, conversation_id, created_at, last_prompt_at, prompts)::sallyport.conversation
    from (
      select
        provider, conversation_id, min(created_at) as created_at, max(created_at) as last_prompt_at,
        count(*)::integer as prompts, (provider || '/' || conversation_id) collate "C" as id
      from sallyport.prompts
      where user_id = p_user_id and conversation_id is not null
      group by provider, conversation_id
    ) as conversations
    where (created_at, id) < (coalesce(p_after_time, 'infinity'), p_after_id)
    order by created_at desc, id desc
    limit p_limit
  );
$$;

select sallyport.settle_access();
