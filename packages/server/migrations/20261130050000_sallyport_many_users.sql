-- What each function reads stays the same however many users there are.

-- Erasing a user deletes the rows of machines that are gone. The condition is the one of `erase_user`.
create index vms_user_gone on sallyport.vms (user_id) where status in ('destroyed', 'lost');

-- Those whose users were warned are not read again. The condition is the one of `list_credentials_ending`.
drop index sallyport.provider_credentials_ending;
create index provider_credentials_ending on sallyport.provider_credentials (((facts ->> 'loginExpiresAt')::numeric))
  where valid and warned_for is distinct from (facts ->> 'loginExpiresAt')::numeric;

-- A link ends when it is spent or expires.
drop index sallyport.connect_links_expiring;
create index connect_links_ending on sallyport.connect_links ((coalesce(spent_at, expires_at)), link_id);
create or replace function sallyport.list_connect_links(p_user_id uuid default null, p_limit integer default null)
  returns sallyport.connect_links[]
  language plpgsql stable set search_path = ''
as $$
begin
  if p_user_id is not null then
    return array(
      select l from sallyport.connect_links l where user_id = p_user_id order by expires_at, link_id limit p_limit
    );
  end if;
  return array(
    select l from sallyport.connect_links l
    where coalesce(spent_at, expires_at) <= now()
    order by coalesce(spent_at, expires_at), link_id
    limit p_limit
  );
end $$;

select sallyport.settle_access();
