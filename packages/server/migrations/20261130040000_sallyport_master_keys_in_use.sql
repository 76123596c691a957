-- A server asks at its start. It looks at one row for each key, not for each credential.
create index provider_credentials_key on sallyport.provider_credentials (key_id);

create or replace function sallyport.list_master_keys_in_use() returns text[]
  language sql stable set search_path = ''
as $$
  with recursive used as (
    select min(key_id) as key_id from sallyport.provider_credentials
    union all
    select (select min(c.key_id) from sallyport.provider_credentials c where c.key_id > used.key_id)
    from used where used.key_id is not null
  )
  select array(select key_id from used where key_id is not null order by key_id);
$$;

select sallyport.settle_access();
