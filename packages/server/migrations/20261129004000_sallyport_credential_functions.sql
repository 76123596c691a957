-- `provider_credentials` holds the current version of each credential, so replacing it is what forgets the bytes of the
-- one before. `provider_credential_versions` remembers the hash and facts of all.

create function sallyport.get_credential(p_user_id uuid, p_provider text) returns sallyport.provider_credentials[]
  language sql stable set search_path = ''
as $$
  select array(
    select c from sallyport.provider_credentials c where user_id = p_user_id and provider = p_provider
  );
$$;

create function sallyport.list_credentials(p_user_id uuid) returns sallyport.provider_credentials[]
  language sql stable set search_path = ''
as $$
  select array(select c from sallyport.provider_credentials c where user_id = p_user_id order by provider);
$$;

-- Stores the version after `p_expected_version`; 0 means that there is none. Returns an empty array if the stored
-- version is another one. Bytes are given in PostgreSQL's hex format: `\x` and two digits for each.
create function sallyport.append_credential(
  p_expected_version integer, p_credential_id uuid, p_user_id uuid, p_provider text, p_sha256 text, p_facts jsonb,
  p_encrypted_credentials bytea, p_encryption_iv text, p_encryption_tag text, p_wrapped_key bytea, p_key_id text,
  p_valid boolean, p_verified boolean, p_encryption_salt text default null, p_claim jsonb default null
) returns sallyport.provider_credentials[]
  language plpgsql set search_path = ''
as $$
declare
  stored sallyport.provider_credentials;
begin
  perform sallyport.check_claim(p_claim);
  if p_expected_version = 0 then
    insert into sallyport.provider_credentials (
        credential_id, user_id, provider, version, sha256, facts, encrypted_credentials, encryption_iv, encryption_tag,
        encryption_salt, wrapped_key, key_id, valid, invalid_reason, last_verified
      ) values (
        p_credential_id, p_user_id, p_provider, 1, p_sha256, p_facts, p_encrypted_credentials, p_encryption_iv,
        p_encryption_tag, p_encryption_salt, p_wrapped_key, p_key_id, p_valid,
        case when not p_valid then 'refused' end, case when p_verified then now() end
      )
      on conflict do nothing
      returning * into stored;
  else
    update sallyport.provider_credentials set
        credential_id = p_credential_id, version = p_expected_version + 1, sha256 = p_sha256, facts = p_facts,
        encrypted_credentials = p_encrypted_credentials, encryption_iv = p_encryption_iv,
        encryption_tag = p_encryption_tag, encryption_salt = p_encryption_salt, wrapped_key = p_wrapped_key,
        key_id = p_key_id, valid = p_valid,
        -- A rotation of a login that has ended does not change why it has.
        invalid_reason = case when not p_valid then coalesce(invalid_reason, 'refused') end,
        last_verified = case when p_verified then now() end, updated_at = now()
      where user_id = p_user_id and provider = p_provider and version = p_expected_version
      returning * into stored;
  end if;
  if not found then return '{}'; end if;
  insert into sallyport.provider_credential_versions (user_id, provider, version, credential_id, sha256, facts)
    values (p_user_id, p_provider, stored.version, p_credential_id, p_sha256, p_facts);
  return array[stored];
end $$;

-- Returns the newest version that was ever stored with this hash; null if there was none.
create function sallyport.seen_credential(p_user_id uuid, p_provider text, p_sha256 text) returns integer
  language sql stable set search_path = ''
as $$
  select max(version) from sallyport.provider_credential_versions
    where user_id = p_user_id and provider = p_provider and sha256 = p_sha256;
$$;

-- Returns the newest version that was ever stored of this lineage; null if there was none.
create function sallyport.seen_credential_lineage(p_user_id uuid, p_provider text, p_lineage text) returns integer
  language sql stable set search_path = ''
as $$
  select max(version) from sallyport.provider_credential_versions
    where user_id = p_user_id and provider = p_provider and facts ->> 'lineage' = p_lineage;
$$;

create function sallyport.set_credential_valid(
  p_user_id uuid, p_provider text, p_valid boolean, p_reason text, p_claim jsonb default null
) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  update sallyport.provider_credentials set
      valid = p_valid, invalid_reason = case when not p_valid then p_reason end,
      last_verified = case when p_valid then now() else last_verified end, updated_at = now()
    where user_id = p_user_id and provider = p_provider;
$$;

create function sallyport.set_credential_verified(
  p_user_id uuid, p_provider text, p_version integer, p_claim jsonb default null
) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  update sallyport.provider_credentials set last_verified = now()
    where user_id = p_user_id and provider = p_provider and version = p_version;
$$;

-- Valid credentials of all users whose login ends before this time, in milliseconds since 1970.
create function sallyport.list_credentials_ending(p_before numeric) returns sallyport.provider_credentials[]
  language sql stable set search_path = ''
as $$
  select array(
    select c from sallyport.provider_credentials c
    where valid and (facts ->> 'loginExpiresAt')::numeric < p_before
  );
$$;

-- Returns false if it was noted already that the user was warned of this end, in milliseconds since 1970.
create function sallyport.note_credential_warning(
  p_user_id uuid, p_provider text, p_login_expires_at bigint, p_claim jsonb default null
) returns boolean
  language plpgsql set search_path = ''
as $$
begin
  perform sallyport.check_claim(p_claim);
  update sallyport.provider_credentials set warned_for = p_login_expires_at
    where user_id = p_user_id and provider = p_provider and warned_for is distinct from p_login_expires_at;
  return found;
end $$;

-- Deletes every version and the lease.
create function sallyport.erase_credential(p_user_id uuid, p_provider text, p_claim jsonb default null) returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  delete from sallyport.provider_credentials where user_id = p_user_id and provider = p_provider;
$$;

-- Ids of the master keys that stored credentials are sealed under.
create function sallyport.list_master_keys_in_use() returns text[]
  language sql stable set search_path = ''
as $$
  select array(select distinct key_id from sallyport.provider_credentials order by key_id);
$$;

-- Leases the credential to a machine, unless another one holds it. Returns who holds it then; an empty array if there
-- is no such credential.
create function sallyport.lease_credential(
  p_user_id uuid, p_provider text, p_vm_id text, p_disk_nonce text default null, p_claim jsonb default null
) returns sallyport.provider_credential_leases[]
  language plpgsql set search_path = ''
as $$
declare
  held sallyport.provider_credential_leases;
begin
  perform sallyport.check_claim(p_claim);
  -- Locked, so that the credential is not erased meanwhile.
  perform 1 from sallyport.provider_credentials where user_id = p_user_id and provider = p_provider for key share;
  if not found then return '{}'; end if;
  for attempt in 1..3 loop
    insert into sallyport.provider_credential_leases as lease (user_id, provider, vm_id, disk_nonce)
      values (p_user_id, p_provider, p_vm_id, p_disk_nonce)
      on conflict (user_id, provider) do update set disk_nonce = excluded.disk_nonce where lease.vm_id = excluded.vm_id
      returning * into held;
    if found then return array[held]; end if;
    -- The holder can release it between the refused insert and the look at it; then it is free.
    select * into held from sallyport.provider_credential_leases where user_id = p_user_id and provider = p_provider;
    if found then return array[held]; end if;
  end loop;
  raise exception 'Leases of the % credential come and go too fast.', p_provider using errcode = 'serialization_failure';
end $$;

create function sallyport.release_credential(p_user_id uuid, p_provider text, p_vm_id text, p_claim jsonb default null)
  returns void
  language sql set search_path = ''
as $$
  select sallyport.check_claim(p_claim);
  delete from sallyport.provider_credential_leases
    where user_id = p_user_id and provider = p_provider and vm_id = p_vm_id;
$$;

create function sallyport.get_credential_lease(p_user_id uuid, p_provider text)
  returns sallyport.provider_credential_leases[]
  language sql stable set search_path = ''
as $$
  select array(
    select l from sallyport.provider_credential_leases l where user_id = p_user_id and provider = p_provider
  );
$$;
