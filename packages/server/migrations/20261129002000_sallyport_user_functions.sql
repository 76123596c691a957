create function sallyport.get_user(p_user_id uuid) returns sallyport.users[]
  language sql stable set search_path = ''
as $$
  select array(select u from sallyport.users u where user_id = p_user_id);
$$;

-- Returns the user, and creates it the first time. Raises SQLSTATE SP002 if every egress port belongs to a user.
create function sallyport.ensure_user(p_user_id uuid, p_external_id text default null, p_claim jsonb default null)
  returns sallyport.users[]
  language plpgsql set search_path = ''
as $$
declare
  first_port constant integer := 10001;
  last_port constant integer := 65535;
  existing sallyport.users[];
  port integer;
begin
  existing := sallyport.get_user(p_user_id);
  if cardinality(existing) > 0 then return existing; end if;
  perform sallyport.check_claim(p_claim);
  -- Two new users must not get one port: the second waits here until the first is stored. Any number, as long as no
  -- other program uses the same one in this database.
  perform pg_advisory_xact_lock(7255971001);
  existing := sallyport.get_user(p_user_id);
  if cardinality(existing) > 0 then return existing; end if;
  select coalesce(max(decodo_proxy_port) + 1, first_port) into port from sallyport.users;
  if port > last_port then
    -- Ports of deleted users are given again only once every port has been used.
    select min(candidate) into port from generate_series(first_port, last_port) as candidate
      where not exists (select from sallyport.users where decodo_proxy_port = candidate);
    if port is null then
      raise exception 'Every egress port from % to % belongs to a user.', first_port, last_port using errcode = 'SP002';
    end if;
  end if;
  insert into sallyport.users (user_id, external_id, decodo_proxy_port) values (p_user_id, p_external_id, port);
  return sallyport.get_user(p_user_id);
end $$;

create function sallyport.set_user_machine(p_user_id uuid, p_vm_id text default null, p_claim jsonb default null)
  returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  update sallyport.users set vm_id = p_vm_id where user_id = p_user_id;
$$;

-- Deletes the user, with machines that are gone.
create function sallyport.erase_user(p_user_id uuid, p_claim jsonb default null) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  delete from sallyport.vms where user_id = p_user_id and status in ('destroyed', 'lost');
  delete from sallyport.users where user_id = p_user_id;
$$;
