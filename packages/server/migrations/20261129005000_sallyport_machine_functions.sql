-- Writes the row of a machine that is about to be created. With `p_as_current`, it becomes the user's current one.
create function sallyport.create_machine(
  p_vm_id text, p_user_id uuid, p_type text, p_driver text, p_host text, p_vcpu_count integer, p_memory_mb integer,
  p_epoch integer, p_as_current boolean, p_claim jsonb default null
) returns sallyport.vms[]
  language plpgsql set search_path = ''
as $$
declare
  created sallyport.vms;
begin
  perform sallyport.check_claim(p_claim);
  insert into sallyport.vms (vm_id, user_id, type, driver, host, vcpu_count, memory_mb, status, epoch)
    values (p_vm_id, p_user_id, p_type, p_driver, p_host, p_vcpu_count, p_memory_mb, 'creating', p_epoch)
    returning * into created;
  if p_as_current then
    update sallyport.users set vm_id = p_vm_id where user_id = p_user_id;
  end if;
  return array[created];
end $$;

create function sallyport.get_machine(p_vm_id text) returns sallyport.vms[]
  language sql stable set search_path = ''
as $$
  select array(select m from sallyport.vms m where vm_id = p_vm_id);
$$;

-- Oldest first, including destroyed ones; of one user or host where they are given.
create function sallyport.list_machines(p_user_id uuid default null, p_host text default null) returns sallyport.vms[]
  language plpgsql stable set search_path = ''
as $$
begin
  -- Two queries, so that each is planned for the index that serves it.
  if p_user_id is not null then
    return array(
      select m from sallyport.vms m
      where user_id = p_user_id and (p_host is null or host = p_host)
      order by created_at, vm_id
    );
  end if;
  return array(
    select m from sallyport.vms m where p_host is null or host = p_host order by created_at, vm_id
  );
end $$;

-- Returns false if there is no such machine. What is null stays as it is.
create function sallyport.update_machine(
  p_vm_id text, p_status text default null, p_injected jsonb default null, p_claim jsonb default null
) returns boolean
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  update sallyport.vms set
      status = coalesce(p_status, status), injected = coalesce(p_injected, injected),
      destroyed_at = case when p_status = 'destroyed' then coalesce(destroyed_at, now()) else destroyed_at end
    where vm_id = p_vm_id;
  return found;
end $$;

-- Returns null if there is no such machine.
create function sallyport.next_machine_epoch(p_vm_id text, p_claim jsonb default null) returns integer
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  update sallyport.vms set epoch = epoch + 1 where vm_id = p_vm_id returning epoch;
$$;
