-- The latest erasure of each user. Tokens made before it are refused: each token names the erasure that its maker knew of.
create table sallyport.erasures (
  user_id uuid primary key,
  erasure_id uuid not null default gen_random_uuid(),
  erased_at timestamptz not null default now()
);

create index erasures_erased_at on sallyport.erasures (erased_at);

-- As before, and notes the erasure, also of a user who is not stored: a token needs no row. A token ends within the hour,
-- so rows go after a day.
create or replace function sallyport.erase_user(p_user_id uuid, p_audit jsonb default null, p_claim jsonb default null)
  returns void
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  delete from sallyport.vms where user_id = p_user_id and status in ('destroyed', 'lost');
  delete from sallyport.users where user_id = p_user_id;
  if found then perform sallyport.write_audit(p_audit); end if;
  insert into sallyport.erasures (user_id) values (p_user_id)
    on conflict (user_id) do update set erasure_id = excluded.erasure_id, erased_at = excluded.erased_at;
  delete from sallyport.erasures where user_id in (
    select user_id from sallyport.erasures where erased_at < now() - interval '1 day'
    for update skip locked
  );
end $$;

create function sallyport.last_erasure(p_user_id uuid) returns uuid
  language sql stable set search_path = ''
as $$
  select erasure_id from sallyport.erasures where user_id = p_user_id;
$$;

select sallyport.settle_access();
