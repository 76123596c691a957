-- Events are passed as text and stored as `json`, which keeps them byte for byte; `jsonb` refuses \u0000 and half
-- surrogate pairs, and CLIs print both.

create function sallyport.create_prompt(
  p_prompt_id uuid, p_user_id uuid, p_host text, p_provider text, p_first_event text,
  p_conversation_id text default null, p_claim jsonb default null
) returns sallyport.prompts[]
  language plpgsql set search_path = ''
as $$
declare
  created sallyport.prompts;
begin
  perform sallyport.check_claim(p_claim);
  insert into sallyport.prompts (prompt_id, user_id, host, provider, conversation_id, status)
    values (p_prompt_id, p_user_id, p_host, p_provider, p_conversation_id, 'running')
    returning * into created;
  insert into sallyport.prompt_events (prompt_id, event) values (p_prompt_id, p_first_event::json);
  return array[created];
end $$;

create function sallyport.get_prompt(p_prompt_id uuid) returns sallyport.prompts[]
  language sql stable set search_path = ''
as $$
  select array(select p from sallyport.prompts p where prompt_id = p_prompt_id);
$$;

-- Journals the events of a running prompt, of which an outcome makes the last the end. Returns their ids in the same
-- order; none if the prompt has ended, and null if there is no such prompt.
create function sallyport.append_prompt_events(
  p_prompt_id uuid, p_events text[], p_outcome text default null, p_claim jsonb default null
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
  return ids;
end $$;

create function sallyport.list_prompt_events(p_prompt_id uuid, p_after bigint, p_limit integer)
  returns sallyport.journal_entry[]
  language sql stable set search_path = ''
as $$
  select array(
    select row (event_id, event::text)::sallyport.journal_entry from sallyport.prompt_events
    where prompt_id = p_prompt_id and event_id > p_after
    order by event_id
    limit p_limit
  );
$$;

-- Oldest first. With a host: those of that host, and those from before servers were told apart.
create function sallyport.list_running_prompts(p_host text default null) returns sallyport.prompts[]
  language sql stable set search_path = ''
as $$
  select array(
    select p from sallyport.prompts p
    where status = 'running' and (p_host is null or host is null or host = p_host)
    order by created_at
  );
$$;
