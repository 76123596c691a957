-- A new master key replaces an older one: only the wrapped data key of each credential changes, while servers run.

-- At most `p_limit` credentials under master keys whose id comes before `p_key_id`, in the order of users and providers,
-- after the given one. Ids are compared by their bytes, as the server does: a collation of the database may differ.
create function sallyport.list_credentials_under_older_keys(
  p_key_id text, p_limit integer, p_after_user_id uuid default null, p_after_provider text default null
) returns sallyport.provider_credentials[]
  language sql stable set search_path = ''
as $$
  select array(
    select c from sallyport.provider_credentials c
    where key_id collate "C" < p_key_id
      and (p_after_user_id is null or (user_id, provider) > (p_after_user_id, p_after_provider))
    order by user_id, provider
    limit p_limit
  );
$$;

-- Replaces the wrapped data key. Returns false if the row has changed since it was read, as by a rotation of the
-- credential itself, which has sealed it anew. A data key is wrapped with a random salt, so the wrapped key names one
-- sealing; the other conditions say what is meant.
create function sallyport.rewrap_credential(
  p_user_id uuid, p_provider text, p_version integer, p_key_id text, p_wrapped_key bytea,
  p_new_key_id text, p_new_wrapped_key bytea, p_new_encryption_salt text default null, p_claim jsonb default null
) returns boolean
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  update sallyport.provider_credentials set
      wrapped_key = p_new_wrapped_key, encryption_salt = p_new_encryption_salt, key_id = p_new_key_id
    where user_id = p_user_id and provider = p_provider and version = p_version and key_id = p_key_id
      and wrapped_key = p_wrapped_key;
  return found;
end $$;

select sallyport.settle_access();
