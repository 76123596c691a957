-- Why a credential is not given out any more; null while it is valid.
alter table sallyport.provider_credentials
  add column invalid_reason text check (invalid_reason in ('refused', 'lost', 'rolled-back')),
  -- The end of the login, in milliseconds since 1970, that the person was warned of.
  add column warned_for bigint;

update sallyport.provider_credentials set invalid_reason = 'refused' where not valid;

alter table sallyport.provider_credentials add check (valid = (invalid_reason is null));

-- What the server looks through every hour.
create index provider_credentials_ending on sallyport.provider_credentials (((facts ->> 'loginExpiresAt')::numeric)) where valid;
