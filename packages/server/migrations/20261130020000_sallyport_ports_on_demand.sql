-- Users have an upstream port only once an egress needs one. There are 55,535, and most deployments need none.
alter table sallyport.users alter column decodo_proxy_port drop not null;

-- As before, but the new user has no port.
create or replace function sallyport.ensure_user(
  p_user_id uuid,
  p_external_id text default null,
  p_claim jsonb default null
) returns sallyport.users[]
  language plpgsql set search_path = ''
as $$
declare
  existing sallyport.users[];
begin
  existing := sallyport.get_user(p_user_id);
  if cardinality(existing) > 0 then return existing; end if;
  perform sallyport.check_claim(p_claim);
  insert into sallyport.users (user_id, external_id) values (p_user_id, p_external_id) on conflict do nothing;
  return sallyport.get_user(p_user_id);
end $$;

-- The user's port, allotted the first time. Null if there is no such user. Raises SQLSTATE SP002 if every port belongs to a
-- user.
create function sallyport.allot_proxy_port(p_user_id uuid, p_claim jsonb default null) returns integer
  language plpgsql set search_path = ''
as $$
declare
  first_port constant integer := 10001;
  last_port constant integer := 65535;
  port integer;
begin
  perform sallyport.check_claim(p_claim);
  -- Two users must not get one port: the second waits here until the first is stored. Any number, as long as no other
  -- program uses the same one in this database.
  perform pg_advisory_xact_lock(7255971001);
  select decodo_proxy_port into port from sallyport.users where user_id = p_user_id;
  if port is not null or not found then return port; end if;
  select coalesce(max(decodo_proxy_port) + 1, first_port) into port from sallyport.users;
  if port > last_port then
    -- Ports of deleted users are given again only once every port has been used.
    select min(candidate) into port from generate_series(first_port, last_port) as candidate
      where not exists (select from sallyport.users where decodo_proxy_port = candidate);
    if port is null then
      raise exception 'Every egress port from % to % belongs to a user.', first_port, last_port using errcode = 'SP002';
    end if;
  end if;
  update sallyport.users set decodo_proxy_port = port where user_id = p_user_id;
  return port;
end $$;

select sallyport.settle_access();
